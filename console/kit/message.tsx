import { type ReactNode, useEffect, useRef } from 'react'
import styles from './message.module.css'

interface MessageProps {
  readonly kind: 'bad' | 'warn' | 'good' | 'note'
  readonly title?: ReactNode
  readonly children?: ReactNode
  /** Whether it takes the focus when it appears, as the summary of a refused form does. */
  readonly takesFocus?: boolean
}

/** A message on the page. Bad ones are read out at once, others when there is a pause. */
export function Message({ kind, title, children, takesFocus = false }: MessageProps) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (takesFocus) ref.current?.focus()
  }, [takesFocus])
  return (
    <div
      ref={ref}
      role={kind === 'bad' ? 'alert' : 'status'}
      tabIndex={takesFocus ? -1 : undefined}
      className={`${styles.message} ${styles[kind]}`}
    >
      {title && <strong className={styles.title}>{title}</strong>}
      {children}
    </div>
  )
}
