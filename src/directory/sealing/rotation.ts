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

/** How far clocks differ and how late a disk may be. */
const MARGIN_MS = 500
/** The most rows that one unit re-seals. Other units wait for it. */
const PAGE = 200

/** The tables with sealed secrets. Each value returns the identity of a secret by the name of its row. */
const TABLES: Readonly<Record<SealedTable, (name: string) => string>> = {
  credentials: credentialIdentity,
  signing_keys: signingKeyIdentity,
}

/** The result of a re-sealing. */
export interface Resealed {
  /** The id of the key that seals from now on. */
  readonly key: string
  /** How many secrets were re-sealed. */
  readonly resealed: number
  /** How many secrets the directory has. */
  readonly checked: number
  /** The identities of those that this key alone does not open. While there are any, the other keys are needed. */
  readonly unopened: readonly string[]
}

/** Returns how many milliseconds after a key became the first one a secret under another key may still be committed. */
export function sealingDelay({ store }: Directory): number {
  return LONGEST_SEALING_MS + MARGIN_MS + store.maxIdleMs
}

/**
 * Writes the audit entry of a rotation, before the new master key is used.
 * @param key the new first key
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordRotation(dir: Directory, ctx: Context, key: Buffer): Promise<void> {
  return auditRotation(dir, ctx, { key, outcome: 'begun' })
}

/**
 * Seals every secret under the first key, then checks that this key alone opens everything. A secret that no key opens
 * stays as it is. The call can be repeated, and several processes can make it at once. It must be made `sealingDelay`
 * after the first key became the first one, when no process seals under another key any more.
 * @param keys the first one seals, all of them open
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
    // Keys are not assigned in the order of commits, so a row may appear before the last page that was read.
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

/** Re-seals the rows of a table once. Returns how many. */
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

/** Seals the secret of a row under the first key. Returns undefined if no key opens it. */
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

function auditRotation(
  dir: Directory,
  ctx: Context,
  { key, outcome }: { key: Buffer; outcome: 'begun' | 'resealed' },
): Promise<void> {
  const subject = { operation: 'RotateKey', target: masterKeyId(key) } as const
  return runUnit(dir, ctx, subject, (unit) => unit.audit({ outcome }))
}
