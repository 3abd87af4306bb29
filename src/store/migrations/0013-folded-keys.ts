import { type SqlBool, sql } from 'kysely'
import { foldEmail } from '../../model/email.ts'
import { foldId } from '../../model/ids.ts'
import type { ColumnTypes, MigratedStore, Migration } from './migration.ts'

/** How many rows are read and written at once. */
const PAGE = 5_000

/**
 * Folds the keys of e-mail addresses again, by the rules of `foldEmail` at this version. Several live users of an
 * organization may then have one address. The oldest keeps it as its key; each other user gets the address, a blank and
 * its id. The index finds those users.
 */
export const foldedKeys: Migration = {
  version: 13,
  name: 'folded-keys',
  up: (schema) => [
    schema
      .createIndex('users_shared_email')
      .on('users')
      .column('pk')
      .where(sql<SqlBool>`email_key like '% %'`),
  ],
  async rewrite(store, types) {
    await refoldEmails(store, types)
    await refoldExternalIds(store)
  },
}

async function refoldEmails(store: MigratedStore, types: ColumnTypes): Promise<void> {
  const { run, schema } = store
  const refolded = schema
    .createTable('refolded')
    .addColumn('user_pk', types.ref, (c) => c.primaryKey())
    .addColumn('organization_pk', types.ref, (c) => c.notNull())
    .addColumn('email_key', types.text, (c) => c.notNull())
  await run(refolded)
  if ((await collectRefolded(store)) > 0) {
    // Without its indexes the table changes several times as fast, and no key is refused before all have changed.
    await run(schema.dropIndex('users_email'))
    await run(schema.dropIndex('users_deleted_email'))
    await run(schema.createIndex('refolded_key').on('refolded').columns(['organization_pk', 'email_key']))
    await run(store.raw(ADD_HOLDERS))
    await run(store.raw(UPDATE_KEYS))
    await createEmailIndexes(store)
  }
  await run(schema.dropTable('refolded'))
}

interface UserRow {
  readonly pk: number
  readonly organization_pk: number
  readonly email: string
  readonly email_key: string
}

/** Collects the users whose key changes. The key of an address in ASCII is the same as before. */
async function collectRefolded({ run, raw, db }: MigratedStore): Promise<number> {
  let collected = 0
  for (let after = 0; ; ) {
    const rows = (await run(
      raw(
        sql`select pk, organization_pk, email, email_key from users
            where pk > ${after} and octet_length(email) <> length(email) order by pk limit ${sql.lit(PAGE)}`,
      ),
    )) as UserRow[]
    const changed = rows
      .map((row) => ({ ...row, key: foldEmail(row.email) }))
      .filter(({ key, email_key }) => key !== email_key)
      .map(({ pk, organization_pk, key }) => ({ user_pk: pk, organization_pk, email_key: key }))
    if (changed.length > 0) await run(db.insertInto('refolded').values(changed))
    collected += changed.length
    if (rows.length < PAGE) return collected
    after = rows.at(-1)?.pk as number
  }
}

/** Adds the live users who have one of the new keys already. */
const ADD_HOLDERS = sql`
  insert into refolded (user_pk, organization_pk, email_key)
  select users.pk, users.organization_pk, users.email_key from users
  where users.deleted_at is null
    and exists (select 1 from refolded where refolded.organization_pk = users.organization_pk
      and refolded.email_key = users.email_key)
    and not exists (select 1 from refolded where refolded.user_pk = users.pk)`

const UPDATE_KEYS = sql`
  with placed as (
    select refolded.user_pk, refolded.email_key, owner.id, owner.deleted_at,
      row_number() over (
        partition by refolded.organization_pk, refolded.email_key, owner.deleted_at is null order by refolded.user_pk
      ) as place
    from refolded join users as owner on owner.pk = refolded.user_pk
  ), keyed as (
    select user_pk,
      case when place > 1 and deleted_at is null then email_key || ' ' || id else email_key end as email_key
    from placed
  )
  update users set email_key = keyed.email_key from keyed where keyed.user_pk = users.pk`

/** Creates the indexes of the first migration again. */
async function createEmailIndexes({ run, schema }: MigratedStore): Promise<void> {
  const unique = schema.createIndex('users_email').unique().on('users')
  await run(unique.columns(['organization_pk', 'email_key']).where(sql<SqlBool>`deleted_at is null`))
  const deleted = schema.createIndex('users_deleted_email').on('users')
  await run(
    deleted.columns(['organization_pk', 'email_key', 'pk']).where(sql<SqlBool>`deleted_at is not null`),
  )
}

interface ClientRow {
  readonly pk: number
  readonly external_issuer: string
  readonly external_id: string
}

/** Folds ids of clients at external issuers, unless another client has the folded id. There are few clients. */
async function refoldExternalIds({ run, raw, db }: MigratedStore): Promise<void> {
  const query = sql`select pk, external_issuer, external_id from clients
    where external_id is not null and deleted_at is null order by pk`
  const clients = (await run(raw(query))) as ClientRow[]
  const nameOf = (issuer: string, id: string): string => JSON.stringify([issuer, id])
  const taken = new Set(clients.map((one) => nameOf(one.external_issuer, one.external_id)))
  for (const { pk, external_issuer: issuer, external_id: id } of clients) {
    const name = nameOf(issuer, foldId(id))
    if (taken.has(name)) continue
    taken.add(name)
    await run(
      db
        .updateTable('clients')
        .set({ external_id: foldId(id) })
        .where('pk', '=', pk),
    )
  }
}
