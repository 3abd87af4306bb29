import styles from './status.module.css'

/** Looks of states. Each has a shape besides its colour. */
const SHAPES = { good: '●', waiting: '◔', failing: '▲', parked: '■', off: '❚❚', none: '–' } as const
export type StatusLook = keyof typeof SHAPES

/** A state: shape and word. */
export function Status({ look, children }: { look: StatusLook; children: string }) {
  return (
    <span className={`${styles.status} ${styles[look]}`}>
      <span aria-hidden="true">{SHAPES[look]}</span> {children}
    </span>
  )
}
