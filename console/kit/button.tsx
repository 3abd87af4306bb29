import { Link, type LinkProps } from '@tanstack/react-router'
import type { ComponentProps, ReactNode } from 'react'
import styles from './button.module.css'

/** `main` is what the page is for, `danger` what removes something, `text` looks like a link. */
type Look = 'plain' | 'main' | 'danger' | 'text'

interface ButtonProps extends Omit<ComponentProps<'button'>, 'disabled'> {
  readonly look?: Look
  /** Whether the call that the button made still runs. The button stays enabled, and does nothing more. */
  readonly isBusy?: boolean
  /** Why the person may not use it. The button stays in the tab order, and says so. */
  readonly reason?: string | null | undefined
}

/** A button. It is never disabled without a reason that people can read. */
export function Button({ look = 'plain', isBusy = false, reason, onClick, ...rest }: ButtonProps) {
  const isOff = Boolean(reason)
  return (
    <button
      type="button"
      className={`${styles.button} ${styles[look]}`}
      aria-disabled={isOff || undefined}
      aria-busy={isBusy || undefined}
      title={reason ?? undefined}
      aria-description={reason ?? undefined}
      {...rest}
      onClick={(event) => {
        if (isOff || isBusy) event.preventDefault()
        else onClick?.(event)
      }}
    />
  )
}

interface LinkButtonProps extends LinkProps {
  readonly look?: Look
  readonly shortcut?: string
  /** Why the person may not follow it. */
  readonly reason?: string | null | undefined
  readonly children: ReactNode
}

/** A link that looks like a button. */
export function LinkButton({ look = 'plain', shortcut, reason, children, ...link }: LinkButtonProps) {
  if (reason) {
    return (
      <Button look={look} reason={reason}>
        {children}
      </Button>
    )
  }
  return (
    // It leads away, so it is not the current page when the address begins with its own.
    <Link
      activeOptions={{ exact: true }}
      {...link}
      className={`${styles.button} ${styles[look]}`}
      aria-keyshortcuts={shortcut}
    >
      {children}
    </Link>
  )
}

interface DownloadLinkProps {
  readonly href: string
  /** Why the person may not follow it. */
  readonly reason?: string | null | undefined
  readonly children: ReactNode
}

/** A link to a file that the server makes. */
export function DownloadLink({ href, reason, children }: DownloadLinkProps) {
  if (reason) return <Button reason={reason}>{children}</Button>
  return (
    <a href={href} download className={`${styles.button} ${styles.plain}`}>
      {children}
    </a>
  )
}
