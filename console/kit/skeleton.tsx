import { useEffect, useState } from 'react'
import styles from './skeleton.module.css'

const PATIENCE_MS = 300

/** Grey lines where something will be. They appear after a moment, since most responses are here before. */
export function Skeleton({ lines = 6 }: { lines?: number }) {
  const [isShown, show] = useState(false)
  useEffect(() => {
    const timer = setTimeout(show, PATIENCE_MS, true)
    return () => clearTimeout(timer)
  }, [])
  if (!isShown) return null
  return (
    <div aria-hidden="true" className={styles.skeleton}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all the same
        <div key={line} />
      ))}
    </div>
  )
}
