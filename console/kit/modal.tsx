import { type ReactNode, useEffect, useId, useRef } from 'react'
import styles from './modal.module.css'

interface ModalProps {
  readonly title: string
  readonly children: ReactNode
  /** Called for Escape and for a click outside the dialog. Without it, only the buttons of the dialog close it. */
  readonly onClose?: (() => void) | undefined
  readonly role?: 'dialog' | 'alertdialog'
  readonly isWide?: boolean
  /** The id of the text that says what the dialog is about. */
  readonly describedBy?: string
}

/**
 * A dialog over the page. The focus begins at what has `data-first`, else at the first field or button, stays in the
 * dialog, and returns to what opened it.
 */
export function Modal(props: ModalProps) {
  const { title, children, onClose, role = 'dialog', isWide = false, describedBy } = props
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement
    ref.current?.showModal()
    ref.current?.querySelector<HTMLElement>('[data-first]')?.focus()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={ref}
      role={role === 'dialog' ? undefined : role}
      aria-labelledby={id}
      aria-describedby={describedBy}
      className={`${styles.modal} ${isWide ? styles.wide : ''}`}
      onCancel={(event) => {
        event.preventDefault()
        onClose?.()
      }}
      onPointerDown={({ target, currentTarget }) => {
        if (target === currentTarget) onClose?.()
      }}
    >
      <div className={styles.content}>
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
