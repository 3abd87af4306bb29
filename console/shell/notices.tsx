import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { NEW_BUILD } from '../api/call.ts'
import { isConnected, onConnection } from '../api/connection.ts'
import { readMe } from '../api/queries.ts'
import { Button } from '../kit/button.tsx'
import { Message } from '../kit/message.tsx'
import { useText } from '../text/text.ts'

/** What is true of the whole console: no connection, or a newer console on the server. */
export function Notices() {
  return (
    <div className="stack" data-shell>
      <Connection />
      <NewBuild />
    </div>
  )
}

const ASKED_MS = 3_000

/** Says that the server is away, asks for it every three seconds, and reads everything in sight when it is back. */
function Connection() {
  const { shell } = useText()
  const queries = useQueryClient()
  const isHere = useSyncExternalStore(onConnection, isConnected)
  useEffect(() => {
    if (isHere) return
    const ask = () => queries.fetchQuery({ ...readMe, staleTime: 0, retry: false }).catch(() => {})
    const timer = setInterval(ask, ASKED_MS)
    return () => {
      clearInterval(timer)
      queries.invalidateQueries()
    }
  }, [isHere, queries])
  return isHere ? null : <Message kind="warn">{shell.offline}</Message>
}

function NewBuild() {
  const { shell } = useText()
  const [isOld, setOld] = useState(false)
  useEffect(() => {
    const told = () => setOld(true)
    addEventListener(NEW_BUILD, told)
    return () => removeEventListener(NEW_BUILD, told)
  }, [])
  if (!isOld) return null
  return (
    <Message kind="note">
      {shell.newBuild}{' '}
      <Button look="text" onClick={() => location.reload()}>
        {shell.reload}
      </Button>
    </Message>
  )
}
