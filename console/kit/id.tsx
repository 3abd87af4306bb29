import { CopyButton } from './failure.tsx'
import styles from './id.module.css'

/** The longest part of a text without a break, in characters. */
const LONGEST = 24

interface BreakableProps {
  readonly children: string
}

/** A name, an address or a domain: it breaks after blanks and separators, and elsewhere only where a part is long. */
export function Breakable({ children }: BreakableProps) {
  return <span className={styles.breakable}>{withBreaks(children)}</span>
}

interface IdProps extends BreakableProps {
  /** Whether it has a button to copy it. */
  readonly canCopy?: boolean
}

/** An id, a key or a hash. One click selects all of it, without the breaks. */
export function Id({ children, canCopy = false }: IdProps) {
  return (
    <>
      <code className={`${styles.breakable} ${styles.id}`}>{withBreaks(children)}</code>
      {canCopy && (
        <>
          {' '}
          <CopyButton value={children} />
        </>
      )}
    </>
  )
}

function withBreaks(text: string) {
  const parts = text.matchAll(new RegExp(`[^-_.@$:/\\s]{1,${LONGEST}}[-_.@$:/\\s]*|[-_.@$:/\\s]+`, 'gu'))
  return [...parts].flatMap(({ 0: part, index: from }) => (from === 0 ? [part] : [<wbr key={from} />, part]))
}
