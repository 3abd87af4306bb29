import { type ComponentProps, useEffect, useRef, useState } from 'react'
import styles from './search-field.module.css'

const PAUSE_MS = 150

interface SearchFieldProps extends Omit<ComponentProps<'input'>, 'onChange' | 'value'> {
  /** Its name for people who do not see it. */
  readonly label: string
  readonly value: string
  /** Called 150 ms after the last letter. */
  readonly onSearch: (text: string) => void
}

/** A field that searches while people type. Escape clears it, `/` goes to it. */
export function SearchField({ label, value, onSearch, ...input }: SearchFieldProps) {
  const [typed, setTyped] = useState(value)
  const sent = useRef(value)
  useEffect(() => {
    // The address changed by other means: back, or "clear".
    if (value !== sent.current) setTyped(value)
    sent.current = value
  }, [value])
  useEffect(() => {
    if (typed === sent.current) return
    const timer = setTimeout(() => {
      sent.current = typed
      onSearch(typed)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, onSearch])
  return (
    <input
      type="search"
      className={styles.search}
      data-page-search
      aria-label={label}
      placeholder={label}
      autoComplete="off"
      spellCheck={false}
      {...input}
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
    />
  )
}
