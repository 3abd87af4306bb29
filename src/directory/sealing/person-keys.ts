import { randomBytes } from 'node:crypto'
import {
  type AuditValue,
  type Change,
  isPersonal,
  type RecordedChange,
  type SealedChange,
} from '../../model/audit.ts'
import type { Tx } from '../../store/port.ts'
import { insertPersonKey, selectPersonKey, selectPersonKeys } from '../../store/tables/person-keys.ts'
import type { Sealer } from '../directory.ts'
import { newSealer, SealError } from './sealer.ts'

const KEY_BYTES = 32

/** The person whose values an audit entry holds, or the organization whose contact the person is. */
export interface Person {
  readonly id: string
}

/** A change as `usher audit` and the portal show it. Values that cannot be opened are null, and `erased` is true. */
export interface OpenedChange extends Change {
  readonly erased?: true
}

/**
 * Seals the changes of personal members with the key of the person, which is made at their first change. Other changes
 * stay as they are. Once the person was erased, their values are not kept at all.
 * @param entry the id of the audit entry that will hold the changes
 * @throws {Error} if a member is personal and no person is given
 */
export async function sealChanges(
  sealer: Sealer,
  tx: Tx,
  {
    changes,
    person,
    entry,
    now,
  }: { changes: readonly Change[]; person: Person | undefined; entry: string; now: string },
): Promise<RecordedChange[]> {
  if (!changes.some(({ name }) => isPersonal(name))) return [...changes]
  if (!person) throw new Error('an audit entry with personal values names no person')
  const key = await getOrMakeKey(sealer, tx, { person, now })
  return changes.map((change) => {
    const { name, before, after } = change
    if (!isPersonal(name)) return change
    const text = JSON.stringify([before, after])
    const sealed = key ? newSealer([key]).seal(text, toIdentity(entry, { name, person: person.id })) : ''
    return { name, person: person.id, sealed }
  })
}

async function getOrMakeKey(
  sealer: Sealer,
  tx: Tx,
  { person, now }: { person: Person; now: string },
): Promise<Buffer | undefined> {
  const known = await selectPersonKey(tx, person.id)
  if (known) return known.sealed === '' ? undefined : openKey(sealer, known)
  const key = randomBytes(KEY_BYTES)
  const sealed = sealer.seal(key.toString('base64url'), personKeyIdentity(person.id))
  await insertPersonKey(tx, { id: person.id, sealed }, now)
  return key
}

function openKey(sealer: Sealer, { id, sealed }: { id: string; sealed: string }): Buffer {
  return Buffer.from(sealer.open(sealed, personKeyIdentity(id)), 'base64url')
}

/** Returns the identity that the key of a person is bound to. It has no owner, so the last part is empty. */
function personKeyIdentity(id: string): string {
  return `person-key:${id}:`
}

/** A value that was moved to another entry, member or person does not open there. */
function toIdentity(entry: string, { name, person }: Pick<SealedChange, 'name' | 'person'>): string {
  return `audit-value:${entry}:${name}:${person}`
}

/** An audit entry with its changes as they are stored. */
interface Recorded {
  readonly id: string
  readonly changes?: readonly RecordedChange[]
}

/**
 * Opens the sealed changes of audit entries.
 * @returns the entries with all values; those of persons who were erased are null
 */
export async function openChanges<Entry extends Recorded>(
  sealer: Sealer,
  tx: Tx,
  entries: readonly Entry[],
): Promise<(Omit<Entry, 'changes'> & { readonly changes?: readonly OpenedChange[] })[]> {
  const persons = entries.flatMap(({ changes = [] }) =>
    changes.flatMap((change) => ('sealed' in change ? [change.person] : [])),
  )
  const sealers = new Map<string, Sealer>()
  for (const key of await selectPersonKeys(tx, [...new Set(persons)])) {
    const opened = tryOpen(() => openKey(sealer, key))
    if (opened) sealers.set(key.id, newSealer([opened]))
  }
  return entries.map(({ changes, ...entry }) => ({
    ...entry,
    ...(changes && { changes: changes.map((change) => openChange(sealers, entry.id, change)) }),
  }))
}

function openChange(
  sealers: ReadonlyMap<string, Sealer>,
  entry: string,
  change: RecordedChange,
): OpenedChange {
  if (!('sealed' in change)) return change
  const { name, person, sealed } = change
  const text = tryOpen(() => sealers.get(person)?.open(sealed, toIdentity(entry, change)))
  if (text === undefined) return { name, before: null, after: null, erased: true }
  const [before = null, after = null] = JSON.parse(text) as AuditValue[]
  return { name, before, after }
}

/** Returns undefined if a text does not open. */
function tryOpen<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}
