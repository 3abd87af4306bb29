import { type ReactNode, useEffect, useRef } from 'react'
import styles from './page.module.css'

interface PageProps {
  readonly title: string
  /** What stands below the heading. */
  readonly about?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** One page: its heading, which gets the focus when the page opens, its actions, and what it is about. */
export function Page({ title, about, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Usher`
  }, [title])
  useEffect(() => {
    // A dialog or a field that is in use keeps the focus.
    if (document.activeElement === document.body || document.activeElement === null) heading.current?.focus()
  }, [])
  return (
    <>
      <header className={styles.header}>
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {about && <div className="quiet">{about}</div>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      <div className="stack">{children}</div>
    </>
  )
}
