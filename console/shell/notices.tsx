import { onlineManager } from '@tanstack/react-query'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { NEW_BUILD } from '../api/call.ts'
import { Button } from '../kit/button.tsx'
import { Message } from '../kit/message.tsx'
import { useText } from '../text/text.ts'

/** What is true of the whole console: no connection, or a newer console on the server. */
export function Notices() {
  const { shell } = useText()
  const [isOld, setOld] = useState(false)
  const isOnline = useSyncExternalStore(
    (told) => onlineManager.subscribe(told),
    () => onlineManager.isOnline(),
  )
  useEffect(() => {
    const told = () => setOld(true)
    addEventListener(NEW_BUILD, told)
    return () => removeEventListener(NEW_BUILD, told)
  }, [])
  return (
    <div className="stack" data-shell>
      {!isOnline && <Message kind="warn">{shell.offline}</Message>}
      {isOld && (
        <Message kind="note">
          {shell.newBuild}{' '}
          <Button look="text" onClick={() => location.reload()}>
            {shell.reload}
          </Button>
        </Message>
      )}
    </div>
  )
}
