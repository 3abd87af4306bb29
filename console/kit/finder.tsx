import { useCombobox } from 'downshift'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useText } from '../text/text.ts'
import { Failure } from './failure.tsx'
import styles from './finder.module.css'
import { Modal } from './modal.tsx'

/** One line of the list below the field. */
export interface Finding {
  readonly key: string
  /** The heading that it stands below; equal ones follow each other. */
  readonly group: string
  readonly label: string
  readonly detail?: ReactNode
  readonly choose: () => void
}

interface FinderProps {
  readonly title: string
  readonly placeholder: string
  readonly findings: readonly Finding[]
  /** How many of them are hits, for the sentence above the list. */
  readonly hits: number
  /** What the field begins with. */
  readonly first?: string
  /** The text that the findings are for. */
  readonly found: string
  readonly isLoading: boolean
  readonly error: unknown
  /** Called 100 ms after the last letter. */
  readonly onSearch: (text: string) => void
  readonly onClose: () => void
}

const PAUSE_MS = 100

/** A dialog with a field and what it finds. Enter takes the first finding, as soon as it is there. */
export function Finder(props: FinderProps) {
  const { title, placeholder, findings, hits, first = '', found, isLoading, error, onSearch, onClose } = props
  const { finder: text } = useText()
  const [typed, setTyped] = useState(first)
  const [waits, setWaits] = useState(false)
  const isReady = found === typed && !isLoading
  const take = (finding: Finding | null | undefined) => {
    if (!finding) return
    onClose()
    finding.choose()
  }
  const box = useCombobox<Finding>({
    items: [...findings],
    isOpen: true,
    inputValue: typed,
    defaultHighlightedIndex: 0,
    initialHighlightedIndex: 0,
    itemToString: (finding) => finding?.label ?? '',
    itemToKey: (finding) => finding?.key,
    selectedItem: null,
    onSelectedItemChange: ({ selectedItem }) => (isReady || typed === '') && take(selectedItem),
  })
  useSearch(typed, onSearch)
  useEffect(() => {
    if (!waits || !isReady) return
    setWaits(false)
    if (findings[0]) {
      onClose()
      findings[0].choose()
    }
  }, [waits, isReady, findings, onClose])
  const input = box.getInputProps({
    placeholder,
    'aria-label': placeholder,
    'aria-labelledby': undefined,
    onChange: ({ currentTarget }) => {
      setWaits(false)
      setTyped(currentTarget.value)
    },
    onKeyDown: (event) => {
      if (event.key === 'Enter' && !isReady && typed !== '') {
        event.preventDefault()
        event.nativeEvent.stopImmediatePropagation()
        Object.assign(event.nativeEvent, { preventDownshiftDefault: true })
        setWaits(true)
      }
      if (event.key === 'Escape') {
        event.preventDefault()
        Object.assign(event.nativeEvent, { preventDownshiftDefault: true })
        onClose()
      }
    },
  })
  return (
    <Modal title={title} onClose={onClose} isWide>
      <input {...input} className={styles.input} type="search" autoComplete="off" spellCheck={false} />
      {error ? <Failure error={error} /> : null}
      <p role="status" className="quiet">
        {toStatus()}
      </p>
      <ul {...box.getMenuProps({ 'aria-label': title })} className={styles.list}>
        {findings.map((finding, index) => (
          <Item
            key={finding.key}
            finding={finding}
            before={findings[index - 1]}
            isMarked={box.highlightedIndex === index}
          >
            {box.getItemProps({ item: finding, index })}
          </Item>
        ))}
      </ul>
    </Modal>
  )

  function toStatus(): string {
    if (error) return ''
    if (!isReady && typed.trim() !== '') return text.searching
    return typed.trim() === '' ? text.hint : text.count(hits)
  }
}

/** Searches after a pause. */
function useSearch(typed: string, onSearch: (text: string) => void): void {
  const last = useRef('')
  useEffect(() => {
    if (typed === last.current) return
    const timer = setTimeout(() => {
      last.current = typed
      onSearch(typed)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, onSearch])
}

interface ItemProps {
  readonly finding: Finding
  readonly before: Finding | undefined
  readonly isMarked: boolean
  readonly children: object
}

function Item({ finding, before, isMarked, children: attributes }: ItemProps) {
  return (
    <>
      {finding.group !== before?.group && (
        <li role="presentation" className={styles.group}>
          {finding.group}
        </li>
      )}
      <li {...attributes} className={isMarked ? styles.marked : styles.item}>
        <span>{finding.label}</span>
        {finding.detail && <span className="quiet">{finding.detail}</span>}
      </li>
    </>
  )
}
