import type { Context } from '../../model/context.ts'
import {
  type SealedRow,
  type SealedTable,
  selectSealedUnderOtherKeys,
  updateSealed,
} from '../../store/tables/sealed-rows.ts'
import type { Directory, Sealer } from '../directory.ts'
import { runUnit } from '../unit.ts'
import { checkSecrets } from './check.ts'
import { openSealedRow, SEALED_TABLES, sealedRowIdentity } from './sealed-tables.ts'
import { LONGEST_SEALING_MS, masterKeyId, newSealer, sealMark } from './sealer.ts'

/** An allowance for clocks that differ and for slow disks. */
const MARGIN_MS = 500
/** The most rows that one unit encrypts again. Other units wait for this one. */
const PAGE = 200

/** The result of encrypting all secrets again. */
export interface Resealed {
  /** The id of the master key that seals secrets from now on. */
  readonly key: string
  /** The number of secrets that were encrypted again. */
  readonly resealed: number
  /** The number of secrets in the directory. */
  readonly checked: number
  /** The names of the secrets that this key does not open. While there are any, the other keys are needed. */
  readonly unopened: readonly string[]
}

/** Returns how long after a rotation a secret may still be committed under an old master key, in milliseconds. */
export function sealingDelay({ store }: Directory): number {
  return LONGEST_SEALING_MS + MARGIN_MS + store.maxIdleMs
}

/**
 * Writes the audit entry of a rotation, before the new master key is used.
 * @param key the new first master key
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordRotation(dir: Directory, ctx: Context, key: Buffer): Promise<void> {
  return auditRotation(dir, ctx, { key, outcome: 'begun' })
}

/**
 * Seals every secret under the first master key, then checks that this key alone opens everything. A secret that no key
 * opens stays as it is. The call can be repeated, and several processes can make it at once. Wait for `sealingDelay`
 * after the rotation before the call, so that no process seals under another key any more.
 * @param keys secrets are sealed with the first one, and opened with any of them
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
  for (const table of SEALED_TABLES) {
    // Primary keys are not assigned in the order of commits, so a row may appear before the last page that was read.
    let count: number
    do {
      count = await resealTable(dir, ctx, { table, sealer, mark: sealMark(key) })
      resealed += count
    } while (count > 0)
  }
  const { checked, unopened } = await checkSecrets({ ...dir, sealer: newSealer([key]) })
  if (unopened.length === 0) await auditRotation(dir, ctx, { key, outcome: 'resealed' })
  return { key: masterKeyId(key), resealed, checked, unopened }
}

interface Pass {
  readonly table: SealedTable
  readonly sealer: Sealer
  readonly mark: string
}

/** Goes through a table once, and encrypts its secrets again. Returns the number of secrets. */
async function resealTable(dir: Directory, ctx: Context, pass: Pass): Promise<number> {
  const { table, sealer, mark } = pass
  let resealed = 0
  for (let after = 0; ; ) {
    const { rows, replaced } = await runUnit(dir, ctx, { operation: 'RotateKey' }, async ({ tx }) => {
      const rows = await selectSealedUnderOtherKeys(tx, table, { mark, after, limit: PAGE })
      let replaced = 0
      for (const row of rows) {
        const replacement = resealRow(sealer, table, row)
        if (replacement && (await updateSealed(tx, table, { ...row, replacement }))) replaced++
      }
      return { rows, replaced }
    })
    resealed += replaced
    if (rows.length < PAGE) return resealed
    after = rows.at(-1)?.pk ?? after
  }
}

/** Encrypts the secret of a row with the first master key. Returns undefined if no master key opens it. */
function resealRow(sealer: Sealer, table: SealedTable, row: SealedRow): string | undefined {
  const secret = openSealedRow(sealer, table, row)
  return secret === undefined ? undefined : sealer.seal(secret, sealedRowIdentity(table, row))
}

function auditRotation(
  dir: Directory,
  ctx: Context,
  { key, outcome }: { key: Buffer; outcome: 'begun' | 'resealed' },
): Promise<void> {
  const subject = { operation: 'RotateKey', target: masterKeyId(key) } as const
  return runUnit(dir, ctx, subject, (unit) => unit.audit({ outcome }))
}
