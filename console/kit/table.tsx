import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'
import styles from './table.module.css'

/** A column: its heading, and what a row shows in it. The first column has the link of the row. */
export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => ReactNode
}

interface TableProps<Row> {
  /** What the table lists, for people who do not see it. */
  readonly name: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly getKey: (row: Row) => string
  /** Whether there are more rows than those that are here. */
  readonly hasMore: boolean
  /** Gets the next page. It is called 20 rows before the end. */
  readonly onMore: () => void
  /** Whether the rows are those of an earlier question. */
  readonly isStale?: boolean
}

const ROW_HEIGHT = 54
const AHEAD = 20

/**
 * A list of any length. Only the rows in sight are in the page, in a real table with blank rows for the others.
 * `j` and `k` go from row to row.
 */
export function Table<Row>(props: TableProps<Row>) {
  const { name, columns, rows, getKey, hasMore, onMore, isStale = false } = props
  const region = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => region.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
    getItemKey: (index) => getKey(rows[index] as Row),
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && rows.length > 0 && last >= rows.length - AHEAD) onMore()
  }, [hasMore, last, rows.length, onMore])
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: people scroll it by keyboard
    <section ref={region} className={styles.region} aria-label={name} tabIndex={0} onKeyDown={walk}>
      <table
        role="table"
        aria-rowcount={hasMore ? -1 : rows.length + 1}
        aria-busy={isStale || undefined}
        className={styles.table}
      >
        <Head columns={columns} />
        <tbody role="rowgroup">
          <Blank height={before} columns={columns.length} />
          {items.map(({ index, key }) => (
            <tr
              key={key}
              role="row"
              aria-rowindex={index + 2}
              data-index={index}
              ref={virtual.measureElement}
            >
              {columns.map(({ heading, cell }) => (
                <td key={heading} role="cell" data-heading={heading}>
                  {cell(rows[index] as Row)}
                </td>
              ))}
            </tr>
          ))}
          <Blank height={after} columns={columns.length} />
        </tbody>
      </table>
    </section>
  )
}

function Head<Row>({ columns }: { columns: readonly Column<Row>[] }) {
  return (
    <thead role="rowgroup">
      <tr role="row" aria-rowindex={1}>
        {columns.map(({ heading }) => (
          <th key={heading} role="columnheader" scope="col">
            {heading}
          </th>
        ))}
      </tr>
    </thead>
  )
}

function Blank({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null
  return (
    <tr aria-hidden="true" className={styles.blank}>
      <td colSpan={columns} style={{ height }} />
    </tr>
  )
}

/** Moves the focus to the link of the next or the previous row. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { j: 1, k: -1 }[event.key]
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('tbody td:first-child a')]
  const at = links.findIndex((link) => link.closest('tr')?.contains(document.activeElement))
  const next = links[Math.min(Math.max(at + step, 0), links.length - 1)]
  next?.focus()
  event.preventDefault()
}

/** Returns whether keys that are pressed there are text. */
export function isTyping(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]')
}
