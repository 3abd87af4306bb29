import { type SealedTable, selectUnbound, updateSealed } from '../../store/tables/sealed-rows.ts'
import type { Directory } from '../directory.ts'
import { read, write } from '../unit.ts'
import { openSealedRow, SEALED_TABLES, sealedRowIdentity } from './sealed-tables.ts'

/** The most rows that one unit seals again. Other units wait for this one. */
const PAGE = 200

/**
 * Seals again what Usher 0.1.0 has sealed: its secrets are bound to the access key or the key id alone, and not to the
 * account. Other functions refuse them. A secret that no master key opens stays as it is. The call can be repeated, and
 * several processes can make it at once.
 * @returns the number of secrets that were sealed again
 * @throws {DirectoryError} `store_unavailable`
 */
export async function bindSecrets(dir: Directory): Promise<number> {
  let bound = 0
  for (const table of SEALED_TABLES) bound += await bindTable(dir, table)
  return bound
}

async function bindTable(dir: Directory, table: SealedTable): Promise<number> {
  let bound = 0
  for (let after = 0; ; ) {
    const page = { after, limit: PAGE }
    // Nearly every start finds nothing, and must not wait for a lock.
    const rows = await read(dir, (tx) => selectUnbound(tx, table, page))
    if (rows.length === 0) return bound
    bound += await write(dir, async (tx) => {
      let replaced = 0
      for (const row of rows) {
        const secret = openSealedRow(dir.sealer, table, row)
        if (secret === undefined) continue
        const replacement = dir.sealer.seal(secret, sealedRowIdentity(table, row))
        if (await updateSealed(tx, table, { ...row, replacement })) replaced++
      }
      return replaced
    })
    after = rows.at(-1)?.pk ?? after
  }
}
