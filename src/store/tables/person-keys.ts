import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'

/** The key of a person, encrypted with a master key. */
export interface SealedPersonKey {
  /** The id of the person, or of the organization whose contact the person is. */
  readonly id: string
  /** Empty if the person was erased. */
  readonly sealed: string
}

const select = statement((db, p: { id: string }) =>
  db.selectFrom('person_keys').select(['id', 'sealed']).where('id', '=', p.id),
)

/** Returns the key of a person; undefined if the person was never changed. */
export function selectPersonKey(tx: Tx, id: string): Promise<SealedPersonKey | undefined> {
  return tx.get(select, { id })
}

/** Returns the keys of several persons, in any order. It leaves out those that were destroyed. */
export async function selectPersonKeys(tx: Tx, ids: readonly string[]): Promise<SealedPersonKey[]> {
  if (ids.length === 0) return []
  return tx.query((db) =>
    db.selectFrom('person_keys').select(['id', 'sealed']).where('id', 'in', ids).where('sealed', '<>', ''),
  )
}

const insert = statement((db, p: SealedPersonKey & { now: string }) =>
  db.insertInto('person_keys').values({ id: p.id, sealed: p.sealed, created_at: p.now }),
)

/**
 * Inserts the key of a person.
 * @throws {ConstraintError} if the person has one
 */
export async function insertPersonKey(tx: Tx, key: SealedPersonKey, now: string): Promise<void> {
  await tx.run(insert, { ...key, now })
}

const destroy = statement((db, p: { id: string; now: string }) =>
  db.updateTable('person_keys').set({ sealed: '', erased_at: p.now }).where('id', '=', p.id),
)

const insertDestroyed = statement((db, p: { id: string; now: string }) =>
  db.insertInto('person_keys').values({ id: p.id, sealed: '', created_at: p.now, erased_at: p.now }),
)

/**
 * Destroys the key of a person, for ever: no other key is made for this id.
 * @returns whether there was a key
 */
export async function destroyPersonKey(tx: Tx, id: string, now: string): Promise<boolean> {
  const had = (await tx.get(select, { id }))?.sealed
  if (had === undefined) await tx.run(insertDestroyed, { id, now })
  else if (had !== '') await tx.run(destroy, { id, now })
  return Boolean(had)
}

const selectErasure = statement((db, p: { id: string }) =>
  db.selectFrom('person_keys').select('erased_at').where('id', '=', p.id).where('erased_at', 'is not', null),
)

/** Returns when a person was erased, ISO 8601; undefined if they were not. */
export async function selectErasedAt(tx: Tx, id: string): Promise<string | undefined> {
  return (await tx.get(selectErasure, { id }))?.erased_at ?? undefined
}
