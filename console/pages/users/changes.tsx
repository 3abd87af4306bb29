import type { RowOf } from '../../api/queries.ts'
import { Id } from '../../kit/id.tsx'
import { useText } from '../../text/text.ts'
import { useGroups } from './groups.ts'
import styles from './timeline.module.css'

type Entry = RowOf<'GET /audit'>

/** What an entry changed: each member before and after. A member without either value was erased. */
export function Changes({ entry: { changes, target } }: { entry: Pick<Entry, 'changes' | 'target'> }) {
  const text = useText()
  const groups = useGroups('')
  const { timeline: words } = text
  const say = (value: unknown): string => {
    if (value === null) return '–'
    if (typeof value === 'boolean') return value ? text.yes : text.no
    if (Array.isArray(value)) return value.map(say).join(', ') || '–'
    if (typeof value === 'string' && !Number.isNaN(Date.parse(value)) && /T.*Z$/.test(value))
      return text.format.time(value)
    return groups.find((group) => group.value === value)?.label ?? String(value)
  }
  if (changes.length === 0) return null
  const isKey = target !== null && !target.includes('-')
  return (
    <div className="quiet">
      {isKey && <Id>{target}</Id>}{' '}
      {changes.map(({ name, before, after }) => (
        <span key={name} className={styles.change}>
          {before === null && after === null
            ? `${words.members[name] ?? name}: ${words.erased}`
            : words.change(words.members[name] ?? name, say(before), say(after))}
        </span>
      ))}
    </div>
  )
}
