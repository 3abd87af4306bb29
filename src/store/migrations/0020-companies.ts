import { type SqlBool, sql } from 'kysely'
import { foldKey, isAscii } from '../../model/text.ts'
import type { MigratedStore, Migration } from './migration.ts'

/** How many rows are read at once. */
const PAGE = 5_000

/**
 * Adds what organizations are as companies, and the internal identifiers of relations. Only a customer's relation can
 * be the context of a user.
 */
export const companies: Migration = {
  version: 20,
  name: 'companies',
  up: (schema, types, db) => {
    const { text } = types
    const add = (table: string, column: string) => schema.alterTable(table).addColumn(column, text)
    return [
      schema.alterTable('organizations').addColumn('name_key', text, (c) => c.notNull().defaultTo('')),
      add('organizations', 'emptied_at'),
      add('organizations', 'internal_identifier'),
      add('organizations', 'identifier_key'),
      add('organizations', 'email_domain'),
      add('organizations', 'company'),
      add('customer_resellers', 'internal_identifier'),
      add('customer_resellers', 'identifier_key'),
      db.updateTable('organizations').set((eb) => ({ name_key: eb.fn('lower', ['name']) })),
      schema
        .createIndex('organizations_name')
        .on('organizations')
        // The last columns let a search read the index alone.
        .columns(['provider_pk', 'kind', 'name_key', 'pk', 'deleted_at', 'email_domain', 'identifier_key']),
      schema
        .createIndex('organizations_being_deleted')
        .on('organizations')
        .columns(['provider_pk', 'pk'])
        .where(sql<SqlBool>`deleted_at is not null and emptied_at is null`),
      // Creates without a reseller do not pay for it.
      schema
        .createIndex('users_of_reseller')
        .on('users')
        .columns(['reseller_pk', 'organization_pk', 'pk'])
        .where(sql<SqlBool>`reseller_pk is not null`),
      ...(types.engine === 'postgres' ? [DROP_RESELLER_KEY, ADD_RELATION_KEY] : []).map((statement) => ({
        compile: () => statement.compile(db),
      })),
    ]
  },
  rewrite: refoldNames,
}

// A relation that is removed conflicts with a create for its reseller, as the row of an organization does. SQLite runs
// one unit at a time, and its insert looks for the relation.
const DROP_RESELLER_KEY = sql`alter table users drop constraint users_reseller_pk_fkey`
const ADD_RELATION_KEY = sql`
  alter table users add constraint users_relation foreign key (organization_pk, reseller_pk)
  references customer_resellers (customer_pk, reseller_pk)`

/** Replaces the keys of the names that are not in ASCII: SQL folds ASCII alone. */
async function refoldNames({ run, raw, db }: MigratedStore): Promise<void> {
  for (let after = 0; ; ) {
    const rows = (await run(
      raw(sql`select pk, name from organizations where pk > ${after} order by pk limit ${sql.lit(PAGE)}`),
    )) as { readonly pk: number; readonly name: string }[]
    for (const { pk, name } of rows) {
      const name_key = foldKey(name)
      if (!isAscii(name) || name_key.length !== name.length)
        await run(db.updateTable('organizations').set({ name_key }).where('pk', '=', pk))
    }
    if (rows.length < PAGE) return
    after = rows.at(-1)?.pk as number
  }
}
