import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { Failure } from '../kit/failure.tsx'

/** What stands in place of the whole console if it cannot begin. */
export function ConsoleFailure(failure: ErrorComponentProps) {
  return (
    <main>
      <h1>Usher</h1>
      <PageFailure {...failure} />
    </main>
  )
}

/** What a page that fails shows in its place. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  return (
    <section>
      <Failure
        error={error}
        onRetry={() => {
          reset()
          router.invalidate()
        }}
      />
    </section>
  )
}
