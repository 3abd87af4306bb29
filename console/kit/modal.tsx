import { type ReactNode, useEffect, useId, useRef } from 'react'
import styles from './modal.module.css'

interface ModalProps {
  readonly title: string
  readonly children: ReactNode
  /** Called for Escape and for a click outside the dialog. Without it, only the buttons of the dialog close it. */
  readonly onClose?: (() => void) | undefined
  readonly role?: 'dialog' | 'alertdialog'
  readonly isWide?: boolean
}

/** A dialog over the page. The focus stays in it, and returns to what opened it. */
export function Modal({ title, children, onClose, role = 'dialog', isWide = false }: ModalProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement
    ref.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={ref}
      role={role === 'dialog' ? undefined : role}
      aria-labelledby={id}
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
