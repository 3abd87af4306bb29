import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { readMe } from '../../api/queries.ts'
import { announceSignIn } from '../../api/session.ts'
import { Failure } from '../../kit/failure.tsx'
import { useText } from '../../text/text.ts'
import { Card } from './card.tsx'

/** Where a person comes back to who signed in again beside a page whose session had ended. */
export function SignInAgain() {
  const { signIn: text } = useText()
  const { data, error } = useQuery(readMe)
  useEffect(() => {
    if (!data) return
    announceSignIn()
    close()
  }, [data])
  return (
    <Card title={text.title}>
      {error && <Failure error={error} />}
      {data && <p>{text.goOnText}</p>}
    </Card>
  )
}
