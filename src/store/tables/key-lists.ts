import { type RawBuilder, sql } from 'kysely'

/**
 * Returns primary keys as literals with commas between. Thousands of bound values cost more to compile and to bind than
 * their rows cost to read.
 */
export function toKeyList(pks: readonly number[]): RawBuilder<number> {
  if (!pks.every(Number.isSafeInteger)) throw new Error('a primary key is an integer')
  return sql.raw(pks.length > 0 ? pks.join(',') : 'null')
}
