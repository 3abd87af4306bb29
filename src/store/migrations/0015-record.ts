import { type Compilable, type SqlBool, sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import { nameKeyOf } from '../../model/users.ts'
import type { ColumnTypes, MigratedStore, Migration } from './migration.ts'

/** How many rows are read and written at once. */
const PAGE = 5_000

/**
 * Adds what the lists and changes of users need: a status, a version, a key to sort by name, the provider above, and
 * the ids that clients give to users. Groups may belong to one organization.
 */
export const record: Migration = {
  version: 15,
  name: 'record',
  up: (schema, types, db) => [
    schema.alterTable('users').addColumn('provider_pk', types.ref, (c) => c.notNull().defaultTo(0)),
    schema.alterTable('users').addColumn('active', types.number, (c) => c.notNull().defaultTo(1)),
    schema.alterTable('users').addColumn('version', types.number, (c) => c.notNull().defaultTo(1)),
    schema.alterTable('users').addColumn('name_key', types.text, (c) => c.notNull().defaultTo('')),
    schema.alterTable('users').addColumn('listed', types.number, (c) => c.notNull().defaultTo(0)),
    { compile: () => FILL_USERS[types.engine].compile(db) },

    // Addresses are found across organizations, and lists are ordered by them.
    schema.dropIndex('users_email'),
    schema
      .createIndex('users_email')
      .unique()
      .on('users')
      .columns(['email_key', 'organization_pk'])
      .where(sql<SqlBool>`deleted_at is null`),
    schema
      .createIndex('users_name')
      .on('users')
      .columns(['provider_pk', 'name_key', 'id', 'organization_pk', 'reseller_pk'])
      .where(sql<SqlBool>`deleted_at is null and listed = 1`),
    schema
      .createIndex('users_of_organization')
      .on('users')
      .columns(['organization_pk', 'name_key', 'id', 'reseller_pk'])
      .where(sql<SqlBool>`deleted_at is null and listed = 1`),
    schema.createIndex('users_unlisted').on('users').column('pk').where(sql<SqlBool>`listed = 0`),
    schema.createIndex('users_changed').on('users').columns(['provider_pk', 'updated_at', 'pk']),
    schema
      .createIndex('users_deleted')
      .on('users')
      .columns(['provider_pk', 'name_key', 'id'])
      .where(sql<SqlBool>`deleted_at is not null`),

    schema
      .createTable('external_ids')
      .addColumn('client_pk', types.ref, (c) => c.notNull().references('clients.pk'))
      .addColumn('user_pk', types.ref, (c) => c.notNull().references('users.pk'))
      .addColumn('external_id', types.text, (c) => c.notNull())
      .addPrimaryKeyConstraint('external_ids_pk', ['user_pk', 'client_pk'])
      .$call(types.clustered),
    schema.createIndex('external_ids_id').on('external_ids').columns(['client_pk', 'external_id']),

    ...(types.engine === 'sqlite' ? rebuildGroups : alterGroups)(schema, types, db),
    schema
      .createIndex('groups_of_provider')
      .unique()
      .on('groups')
      .columns(['provider_pk', 'name'])
      .where(sql<SqlBool>`organization_pk is null`),
    schema.createIndex('groups_of_organization').on('groups').columns(['organization_pk', 'name']),
  ],
  rewrite: fillForeignNames,
}

type Steps = (...parts: Parameters<Migration['up']>) => Compilable[]

/** SQLite cannot drop the old unique constraint, so both tables are built again. */
const rebuildGroups: Steps = (schema, { pk, ref, number, text, clustered }, db) => [
  schema
    .createTable('new_groups')
    .addColumn('pk', ...pk)
    .addColumn('id', text, (c) => c.notNull().unique())
    .addColumn('provider_pk', ref, (c) => c.notNull().references('organizations.pk'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('organization_pk', ref, (c) => c.references('organizations.pk'))
    .addColumn('version', number, (c) => c.notNull().defaultTo(1))
    .addColumn('created_at', text)
    .addColumn('updated_at', text),
  db
    .insertInto('new_groups')
    .columns(['pk', 'id', 'provider_pk', 'name', 'created_at', 'updated_at'])
    .expression((eb) =>
      eb
        .selectFrom('groups')
        .innerJoin('organizations', 'organizations.pk', 'groups.provider_pk')
        .select(['groups.pk', 'groups.id', 'groups.provider_pk', 'groups.name'])
        .select(['organizations.created_at', 'organizations.created_at as updated_at']),
    ),
  schema
    .createTable('new_memberships')
    .addColumn('user_pk', ref, (c) => c.notNull().references('users.pk'))
    .addColumn('group_pk', ref, (c) => c.notNull().references('new_groups.pk'))
    .addPrimaryKeyConstraint('memberships_pk', ['user_pk', 'group_pk'])
    .$call(clustered),
  db
    .insertInto('new_memberships')
    .columns(['user_pk', 'group_pk'])
    .expression((eb) => eb.selectFrom('memberships').select(['user_pk', 'group_pk'])),
  schema.dropTable('memberships'),
  schema.dropTable('groups'),
  schema.alterTable('new_groups').renameTo('groups'),
  schema.alterTable('new_memberships').renameTo('memberships'),
]

const alterGroups: Steps = (schema, { ref, number, text }, db) => [
  schema.alterTable('groups').addColumn('organization_pk', ref, (c) => c.references('organizations.pk')),
  schema.alterTable('groups').addColumn('version', number, (c) => c.notNull().defaultTo(1)),
  schema.alterTable('groups').addColumn('created_at', text),
  schema.alterTable('groups').addColumn('updated_at', text),
  db.updateTable('groups').set((eb) => {
    const created = eb
      .selectFrom('organizations')
      .select('organizations.created_at')
      .whereRef('organizations.pk', '=', 'groups.provider_pk')
    return { created_at: created, updated_at: created }
  }),
  schema.alterTable('groups').dropConstraint('groups_name'),
]

/** Fills the new columns. The key of a name in ASCII is the same as `nameKeyOf` makes. */
const FILL_USERS = { sqlite: fillUsers('char'), postgres: fillUsers('chr') } as const

function fillUsers(toCharacter: 'char' | 'chr') {
  const code = (number: number) => sql.raw(`${toCharacter}(${number})`)
  const part = (column: string) => sql`coalesce(lower(${sql.ref(column)}), ${code(0x10ffff)})`
  const parts = [part('first_name'), code(1), part('last_name'), code(1), part('email')]
  return sql`
    update users set
      provider_pk = (select coalesce(organizations.provider_pk, organizations.pk)
        from organizations where organizations.pk = users.organization_pk),
      name_key = substr(${sql.join(parts, sql` || `)}, 1, 800)`
}

interface NameRow {
  readonly pk: number
  readonly first_name: string | null
  readonly last_name: string | null
  readonly email: string | null
}

/** Replaces the keys of the names that are not in ASCII: SQL folds ASCII alone. */
async function fillForeignNames({ run, raw, db }: MigratedStore, _: ColumnTypes): Promise<void> {
  const names = sql`coalesce(first_name, '') || coalesce(last_name, '') || coalesce(email, '')`
  for (let after = 0; ; ) {
    const rows = (await run(
      raw(
        sql`select pk, first_name, last_name, email from users
            where pk > ${after} and octet_length(${names}) <> length(${names}) order by pk limit ${sql.lit(PAGE)}`,
      ),
    )) as NameRow[]
    for (const { pk, first_name, last_name, email } of rows) {
      const emailKey = email === null ? null : foldEmail(email)
      const name_key = nameKeyOf({ firstName: first_name, lastName: last_name, email, emailKey })
      await run(db.updateTable('users').set({ name_key }).where('pk', '=', pk))
    }
    if (rows.length < PAGE) return
    after = rows.at(-1)?.pk as number
  }
}
