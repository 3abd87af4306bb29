import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { Failure } from '../kit/failure.tsx'

/** What a page that fails shows in its place. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  return (
    <main>
      <Failure
        error={error}
        onRetry={() => {
          reset()
          router.invalidate()
        }}
      />
    </main>
  )
}
