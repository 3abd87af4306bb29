import { type ReactNode, useEffect, useState } from 'react'
import { useText } from '../text/text.ts'
import { Button } from './button.tsx'
import { Failure } from './failure.tsx'
import styles from './toast.module.css'

interface Toast {
  readonly text: string
  /** Takes back what was done. */
  readonly undo?: (() => Promise<unknown>) | undefined
}

const SHOW = 'usher-toast'
const SHOWN_MS = 10_000

/** Says for 10 seconds that something is done, with a way to take it back. */
export function showToast(toast: Toast): void {
  dispatchEvent(new CustomEvent(SHOW, { detail: toast }))
}

/** The place where the last message about something done appears. A pointer or the focus in it holds it. */
export function Toasts() {
  const [toast, setToast] = useState<Toast | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [isHeld, hold] = useState(false)
  useEffect(() => {
    const show = (event: Event) => {
      setToast((event as CustomEvent<Toast>).detail)
      setError(null)
    }
    addEventListener(SHOW, show)
    return () => removeEventListener(SHOW, show)
  }, [])
  useEffect(() => {
    if (toast === null || isHeld || error !== null) return
    const timer = setTimeout(setToast, SHOWN_MS, null)
    return () => clearTimeout(timer)
  }, [toast, isHeld, error])
  return (
    <div
      role="status"
      className={styles.place}
      data-shell
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      {toast && <Shown toast={toast} error={error} onFailure={setError} onEnd={() => setToast(null)} />}
    </div>
  )
}

interface ShownProps {
  readonly toast: Toast
  readonly error: unknown
  readonly onFailure: (error: unknown) => void
  readonly onEnd: () => void
}

function Shown({ toast, error, onFailure, onEnd }: ShownProps): ReactNode {
  const { undo, undone, close } = useText()
  const takeBack = () => {
    onEnd()
    toast.undo?.().then(
      () => showToast({ text: undone }),
      (failure) => {
        showToast({ text: toast.text })
        onFailure(failure)
      },
    )
  }
  return (
    <div className={styles.toast}>
      {error !== null ? <Failure error={error} /> : <span>{toast.text}</span>}
      {toast.undo && <Button onClick={takeBack}>{undo}</Button>}
      <Button look="text" onClick={onEnd}>
        {close}
      </Button>
    </div>
  )
}
