import { selectSealed } from '../../store/tables/sealed-rows.ts'
import type { Directory } from '../directory.ts'
import { read } from '../unit.ts'
import { nameSealedRow, openSealedRow, SEALED_TABLES } from './sealed-tables.ts'

const PAGE = 1_000

/**
 * Opens every secret of the directory.
 * @returns the number of secrets, and the names of those that the master keys do not open
 * @throws {DirectoryError} `store_unavailable`
 */
export function checkSecrets(dir: Directory): Promise<{ checked: number; unopened: string[] }> {
  return read(dir, async (tx) => {
    const unopened: string[] = []
    let checked = 0
    for (const table of SEALED_TABLES) {
      for (let after = 0, more = true; more; ) {
        const page = await selectSealed(tx, table, { after, limit: PAGE })
        checked += page.length
        for (const row of page)
          if (openSealedRow(dir.sealer, table, row) === undefined) unopened.push(nameSealedRow(table, row))
        more = page.length === PAGE
        after = page.at(-1)?.pk ?? after
      }
    }
    return { checked, unopened }
  })
}
