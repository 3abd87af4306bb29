import { type Compilable, type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Adds totals of accounts and credentials, for the criteria that match very many of them.
 *
 * This migration must branch on the engine. On SQLite triggers maintain the totals, because counting a hundred thousand
 * index entries would block the process. PostgreSQL counts them in a view: that does not block
 * this process, and a row that every create updates would make creates wait for each other's commits.
 *
 * The orgs of a tenant get their own indexes. Without them, reading a far page would compare every index entry of the
 * org with the tenant. One index is enough for the few credentials of an account.
 */
export const totals: Migration = {
  version: 5,
  name: 'totals',
  up: (schema, { engine }, db) => {
    const define = engine === 'sqlite' ? keepTotals : countTotals
    const texts = [...define('account_totals', 'accounts'), ...define('credential_totals', 'credentials')]
    return [
      schema.dropIndex('credentials_of_account'),
      ...(['accounts', 'credentials'] as const).flatMap((table) => [
        schema.dropIndex(`${table}_of_org`),
        ...[
          [`${table}_of_org`, 'provider_pk', 'org_id', 'pk', 'active'],
          [`${table}_of_tenant_org`, 'tenant_pk', 'org_id', 'pk', 'active'],
        ].map(([name = '', ...columns]) =>
          schema.createIndex(name).on(table).columns(columns).where(sql<SqlBool>`wanted = 1`),
        ),
      ]),
      ...texts.map((text): Compilable => ({ compile: () => sql.raw(text).compile(db) })),
    ]
  },
}

const KEY = ['provider_pk', 'org_id', 'tenant_pk', 'active']

function keepTotals(name: string, table: string): string[] {
  const key = KEY.join()
  const of = (row: 'old' | 'new'): string => KEY.map((column) => `${row}.${column}`).join()
  const add = `insert into ${name} values (${of('new')}, 1) on conflict do update set total = total + 1;`
  const subtract = `update ${name} set total = total - 1 where (${key}) = (${of('old')});`
  const changes = `update of ${key}, wanted on ${table}`
  return [
    `create table ${name} (provider_pk integer not null, org_id text not null, tenant_pk integer not null,
      active integer not null, total integer not null, primary key (${key})) without rowid`,
    `create index ${name}_tenant on ${name} (tenant_pk, org_id)`,
    `insert into ${name} select ${key}, count(*) from ${table} where wanted = 1 group by ${key}`,
    `create trigger ${name}_add after insert on ${table} when new.wanted = 1 begin ${add} end`,
    `create trigger ${name}_leave after ${changes} when old.wanted = 1 begin ${subtract} end`,
    `create trigger ${name}_enter after ${changes} when new.wanted = 1 begin ${add} end`,
    `create trigger ${name}_remove after delete on ${table} when old.wanted = 1 begin ${subtract} end`,
  ]
}

function countTotals(name: string, table: string): string[] {
  return [`create view ${name} as select ${KEY.join()}, 1 as total from ${table} where wanted = 1`]
}
