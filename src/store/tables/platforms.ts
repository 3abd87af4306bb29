import { type Selectable, sql } from 'kysely'
import type { RecordedPlatform } from '../../model/platforms.ts'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

const YES = sql.lit(1)

function toRecorded(row: Selectable<Tables['platforms']>): RecordedPlatform {
  return {
    name: row.name,
    kind: row.kind,
    cluster: row.cluster,
    isMain: row.main === 1,
  }
}

const selectAll = statement((db) => db.selectFrom('platforms').selectAll().orderBy('pk'))

/** Returns all platforms of the directory, oldest first. */
export async function selectPlatforms(tx: Tx): Promise<RecordedPlatform[]> {
  return (await tx.all(selectAll, {})).map(toRecorded)
}

const selectMain = statement((db) => db.selectFrom('platforms').select('name').where('main', '=', YES))

/** Returns the name of the main platform; undefined if none is recorded yet. */
export async function selectMainPlatform(tx: Tx): Promise<string | undefined> {
  return (await tx.get(selectMain, {}))?.name
}

const insert = statement((db, p: { name: string; kind: string; now: string }) =>
  db
    .insertInto('platforms')
    .values({ name: p.name, kind: p.kind, main: 0, created_at: p.now })
    .onConflict((conflict) => conflict.doNothing()),
)
const unsetMain = statement((db) => db.updateTable('platforms').set({ main: 0 }).where('main', '=', YES))
const setMain = statement((db, p: { name: string }) =>
  db.updateTable('platforms').set({ main: 1 }).where('name', '=', p.name),
)

/**
 * Makes a platform the main one, and records it if it is new. Its kind is its name, as long as there is one platform of
 * each kind.
 * @throws {ConstraintError} when another unit does the same at the same moment
 */
export async function updateMainPlatform(tx: Tx, name: string, now: string): Promise<void> {
  await tx.run(insert, { name, kind: name, now })
  await tx.run(unsetMain, {})
  await tx.run(setMain, { name })
}

const setCluster = statement((db, p: { name: string; cluster: string }) =>
  db.updateTable('platforms').set({ cluster: p.cluster }).where('name', '=', p.name),
)

/** Records the identity of a platform's cluster, in place of an earlier one. */
export async function updateCluster(tx: Tx, name: string, cluster: string): Promise<void> {
  await tx.run(setCluster, { name, cluster })
}
