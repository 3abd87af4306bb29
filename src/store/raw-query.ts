import type { RawBuilder } from 'kysely'
import type { Tx } from './port.ts'

/** Runs a query in SQL that both engines know, and returns its rows. */
export function query<R>(tx: Tx, text: RawBuilder<unknown>): Promise<R[]> {
  return tx.query((db) => ({ compile: () => text.compile(db) })) as Promise<R[]>
}
