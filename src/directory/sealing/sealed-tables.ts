import type { SealedRow, SealedTable } from '../../store/tables/sealed-rows.ts'
import type { Sealer } from '../directory.ts'
import { SealError, UNBOUND_MARK } from './sealer.ts'

/** The word for a row of each table with sealed secrets. */
const KINDS: Readonly<Record<SealedTable, string>> = {
  credentials: 'credential',
  signing_keys: 'signing-key',
  audit_keys: 'audit-key',
  person_keys: 'person-key',
  webhooks: 'webhook',
}

/** The tables with sealed secrets. */
export const SEALED_TABLES = Object.keys(KINDS) as readonly SealedTable[]

/** Returns the name of a row in messages, for example `credential:AKIA…`. */
export function nameSealedRow(table: SealedTable, { name }: SealedRow): string {
  return `${KINDS[table]}:${name}`
}

/** Returns the identity that the secret of a row is bound to, as `credentialIdentity` and the others do. */
export function sealedRowIdentity(table: SealedTable, row: SealedRow): string {
  return `${nameSealedRow(table, row)}:${row.owner}`
}

/**
 * Opens the secret of a row, also one that Usher 0.1.0 sealed. Only for checks and for sealing again: to serve such a
 * secret would serve a copy of it in another account too.
 * @returns undefined if the sealer does not open it
 */
export function openSealedRow(sealer: Sealer, table: SealedTable, row: SealedRow): string | undefined {
  const isUnbound = row.sealed.startsWith(UNBOUND_MARK)
  const identity = isUnbound ? nameSealedRow(table, row) : sealedRowIdentity(table, row)
  try {
    return sealer.open(row.sealed, identity)
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}
