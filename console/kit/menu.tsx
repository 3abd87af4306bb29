import { type ReactNode, useId, useRef } from 'react'
import styles from './menu.module.css'

interface MenuProps {
  readonly label: ReactNode
  /** Its name, if the label is not text. */
  readonly name?: string
  readonly children: ReactNode
}

/** A button that opens a list of actions below it. Escape closes the list, and so does a click elsewhere. */
export function Menu({ label, name, children }: MenuProps) {
  const id = useId()
  const ref = useRef<HTMLDivElement>(null)
  const anchor = `--menu${id.replace(/\W/g, '')}`
  return (
    <span className={styles.menu}>
      <button
        type="button"
        className={styles.button}
        popoverTarget={id}
        aria-label={name}
        ref={(button) => button?.style.setProperty('anchor-name', anchor)}
      >
        {label} <span aria-hidden="true">▾</span>
      </button>
      <div
        id={id}
        ref={(list) => {
          ref.current = list
          list?.style.setProperty('position-anchor', anchor)
        }}
        popover="auto"
        className={styles.list}
        onClickCapture={({ target }) => {
          const item = target instanceof Element ? target.closest('a, button') : null
          if (item && item.getAttribute('aria-disabled') !== 'true') ref.current?.hidePopover()
        }}
      >
        {children}
      </div>
    </span>
  )
}
