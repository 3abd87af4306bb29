import { columnTypes, newBuilder } from '../../src/store/postgres/connection.ts'
import { queryDatabase } from '../../testing/query.ts'
import { onServer } from '../support/postgres.ts'
import { migrationsSuite } from './migrations.suite.ts'

/** Columns in their order with type, collation, default and identity; constraints and indexes by their definition. */
const SCHEMA = `
  select table_name as of, 'column' as kind, lpad(ordinal_position::text, 4, '0') || ' ' || column_name as name,
    concat_ws(' ', data_type, collation_name, is_nullable, column_default, identity_generation) as definition
  from information_schema.columns where table_schema = 'public'
  union all
  select conrelid::regclass::text, 'constraint', conname, pg_get_constraintdef(oid) from pg_constraint
  where connamespace = 'public'::regnamespace
  union all
  select tablename, 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
  order by 1, 2, 3`

await onServer('migrations on PostgreSQL', (server) => {
  migrationsSuite({
    newUrl: () => server.createDatabase(),
    builder: newBuilder(),
    types: columnTypes,
    describe: (url) => queryDatabase(url, SCHEMA),
  })
})
