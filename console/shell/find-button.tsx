import { useText } from '../text/text.ts'
import styles from './find-button.module.css'
import { openFind } from './shortcuts.tsx'

/** The field in the head that opens Find. */
export function FindButton() {
  const { shell } = useText()
  return (
    <button type="button" className={styles.find} aria-keyshortcuts="Control+K" onClick={openFind}>
      <span>{shell.find}</span>
      <kbd aria-hidden="true">Ctrl K</kbd>
    </button>
  )
}
