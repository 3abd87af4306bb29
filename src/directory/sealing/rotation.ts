import type { Context } from '../../model/context.ts'
import {
  type SealedRow,
  type SealedTable,
  selectSealedUnderOtherKeys,
  updateSealed,
} from '../../store/tables/sealed-rows.ts'
import type { Directory } from '../directory.ts'
import { runUnit } from '../unit.ts'
import { checkSecrets } from './check.ts'
import { LONGEST_SEALING_MS } from './following-sealer.ts'
import { credentialIdentity, masterKeyId, newSealer, SealError, type Sealer, sealMark } from './sealer.ts'
import { signingKeyIdentity } from './signing-keys.ts'

/** How late the clocks and the disks of others may be. */
const MARGIN_MS = 500
/** So many rows are re-sealed in one unit: others that write wait as long. */
const PAGE = 200

/** Every table of sealed secrets, and what a secret in it is bound to. */
const TABLES: Readonly<Record<SealedTable, (name: string) => string>> = {
  credentials: credentialIdentity,
  signing_keys: signingKeyIdentity,
}

/** What a re-sealing came to. */
export interface Resealed {
  /** The id of the key under which secrets are sealed from now on. */
  readonly key: string
  readonly resealed: number
  /** All secrets of the directory, and those that this key alone does not open: while there are any, the others must be kept. */
  readonly checked: number
  readonly unopened: readonly string[]
}

/** How long after a key was put first a secret may still be committed that is sealed under the one before. */
export function sealingDelay({ store }: Directory): number {
  return LONGEST_SEALING_MS + MARGIN_MS + store.maxIdleMs
}

/**
 * Records that a master key is being taken into use, before it is.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordRotation(dir: Directory, ctx: Context, key: Buffer): Promise<void> {
  return record(dir, ctx, { key, outcome: 'begun' })
}

/**
 * Seals anew, under the first key, every secret that is not sealed under it; then makes sure that this key alone opens
 * everything. Whatever it does may be done again, and by several at once. What no key opens is left alone.
 * To be called `sealingDelay` after the first key was put first, when nothing is sealed under another any more.
 * @param keys the first seals, all of them open
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function resealSecrets(
  dir: Directory,
  ctx: Context,
  keys: readonly [Buffer, ...Buffer[]],
): Promise<Resealed> {
  const [key] = keys
  const sealer = newSealer(keys)
  let resealed = 0
  for (const table of Object.keys(TABLES) as SealedTable[]) {
    // Keys are not handed out in the order of commits: a row may appear before the place that a look has reached.
    let found: number
    do {
      found = await resealTable(dir, ctx, { table, sealer, mark: sealMark(key) })
      resealed += found
    } while (found > 0)
  }
  const { checked, unopened } = await checkSecrets({ ...dir, sealer: newSealer([key]) })
  if (unopened.length === 0) await record(dir, ctx, { key, outcome: 'resealed' })
  return { key: masterKeyId(key), resealed, checked, unopened }
}

interface Pass {
  readonly table: SealedTable
  readonly sealer: Sealer
  readonly mark: string
}

/** Goes through a table once; answers how many rows were re-sealed. */
async function resealTable(dir: Directory, ctx: Context, pass: Pass): Promise<number> {
  const { table, sealer, mark } = pass
  let resealed = 0
  for (let after = 0; ; ) {
    const { rows, replaced } = await runUnit(dir, ctx, { operation: 'RotateKey' }, async ({ tx }) => {
      const rows = await selectSealedUnderOtherKeys(tx, table, { mark, after, limit: PAGE })
      let replaced = 0
      for (const row of rows) {
        const replacement = resealRow(sealer, row, TABLES[table])
        if (replacement && (await updateSealed(tx, table, { ...row, replacement }))) replaced++
      }
      return { rows, replaced }
    })
    resealed += replaced
    if (rows.length < PAGE) return resealed
    after = rows.at(-1)?.pk ?? after
  }
}

/** A row's secret sealed under the first key; undefined when no key opens it. */
function resealRow(
  sealer: Sealer,
  { name, sealed }: SealedRow,
  toIdentity: (name: string) => string,
): string | undefined {
  const identity = toIdentity(name)
  try {
    return sealer.seal(sealer.open(sealed, identity), identity)
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}

function record(dir: Directory, ctx: Context, said: { key: Buffer; outcome: string }): Promise<void> {
  const target = masterKeyId(said.key)
  return runUnit(dir, ctx, { operation: 'RotateKey', target }, (unit) => {
    return unit.audit({ outcome: said.outcome })
  })
}
