import { Link } from '@tanstack/react-router'
import type { RowOf } from '../../api/queries.ts'
import { Breakable, Id } from '../../kit/id.tsx'
import { type Text, useText } from '../../text/text.ts'

/** An entry of the audit log. */
export type Entry = RowOf<'GET /audit'>

// An older console may not know a code of the server: then the code itself stands there.

/** Returns what an operation is called. */
export function operationName(operation: Entry['operation'], { operations }: Text): string {
  return operations[operation] ?? operation
}

/** Returns what was done by an operation, as a timeline says it. */
export function doneName(operation: Entry['operation'], text: Text): string {
  return text.timeline.operations[operation] ?? operationName(operation, text)
}

/** Returns what became of an operation, or why it was refused. */
export function outcomeName(outcome: string, { outcomes }: Text): string {
  // The address of the page may have any text as the outcome.
  return new Map<string, string>(Object.entries(outcomes)).get(outcome) ?? outcome
}

/** Returns who made a call. */
export function callerName({ kind, name, id }: Entry['caller'], { audit }: Text): string {
  if (kind === 'operator') return audit.callers.operator
  return `${audit.callers[kind]} ${name ?? id ?? ''}`
}

/** Who made a call: a link to the person, or to the calls of the client or of the command line. */
export function Caller({ caller }: Pick<Entry, 'caller'>) {
  const name = callerName(caller, useText())
  const { kind, id } = caller
  if (kind === 'person' && id !== null) {
    return (
      <Link to="/users/$id" params={{ id }}>
        <Breakable>{name}</Breakable>
      </Link>
    )
  }
  return (
    <Link to="/audit" search={{ caller: id ?? kind }}>
      <Breakable>{name}</Breakable>
    </Link>
  )
}

/** What an entry is about, with a link where there is a page for it. */
export function About({ entry: { about, target } }: { entry: Pick<Entry, 'about' | 'target'> }) {
  const { audit } = useText()
  if (about === null) return target === null ? '–' : <Id>{target}</Id>
  const { kind, id, name, userId } = about
  const label = name ?? id
  if (userId !== null) {
    return (
      <Link to="/users/$id" params={{ id: userId }}>
        <Breakable>{label}</Breakable>
      </Link>
    )
  }
  if (kind === 'organization') {
    return (
      <Link to="/organizations/$id" params={{ id }}>
        <Breakable>{label}</Breakable>
      </Link>
    )
  }
  return (
    <>
      {audit.things[kind]} <Id>{label}</Id>
    </>
  )
}
