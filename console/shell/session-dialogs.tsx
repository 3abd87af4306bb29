import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { BASE } from '../api/call.ts'
import { readMe } from '../api/queries.ts'
import { onSessionOver } from '../api/session.ts'
import button from '../kit/button.module.css'
import { Button } from '../kit/button.tsx'
import { Modal } from '../kit/modal.tsx'
import { useText } from '../text/text.ts'

/** How long before its end a session says so. */
const WARNING_MS = 2 * 60_000

/** The dialogs about the session: that it ends soon, and that it has ended. The page stays below them. */
export function SessionDialogs() {
  const [isOver, setOver] = useState(false)
  const queries = useQueryClient()
  useEffect(() => {
    const isSame = async () => {
      const before = queries.getQueryData(readMe.queryKey)
      const now = await queries.fetchQuery({ ...readMe, staleTime: 0 })
      return before === undefined || before.user.id === now.user.id
    }
    return onSessionOver(setOver, isSame)
  }, [queries])
  return isOver ? <Over /> : <Ending />
}

function Over() {
  const { shell } = useText()
  return (
    <Modal title={shell.over} role="alertdialog">
      <p>{shell.overText}</p>
      <p className="quiet">{shell.overHint}</p>
      <a
        className={`${button.button} ${button.main}`}
        href={`${BASE}/console/sign-in?to=${encodeURIComponent('/console/sign-in-again')}`}
        target="usher-sign-in"
      >
        {shell.signInAgain}
      </a>
    </Modal>
  )
}

function Ending() {
  const { shell } = useText()
  const queries = useQueryClient()
  const { data: me } = useQuery(readMe)
  const [isNear, setNear] = useState(false)
  const end = me && Math.min(Date.parse(me.session.idleUntil), Date.parse(me.session.expiresAt))
  useEffect(() => {
    setNear(false)
    if (end === undefined) return
    const timer = setTimeout(setNear, Math.max(0, end - Date.now() - WARNING_MS), true)
    return () => clearTimeout(timer)
  }, [end])
  if (!isNear) return null
  const stay = () => queries.refetchQueries(readMe)
  return (
    <Modal title={shell.ends} onClose={stay}>
      <p>{shell.endsText}</p>
      <Button look="main" onClick={stay}>
        {shell.stay}
      </Button>
    </Modal>
  )
}
