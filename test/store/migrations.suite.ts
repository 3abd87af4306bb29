import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import { EVERYTHING, whereEqual } from '../../src/model/conditions.ts'
import { foldEmail } from '../../src/model/email.ts'
import { nameKeyOf } from '../../src/model/users.ts'

import { selectCredentialPage } from '../../src/store/accounts/credentials.ts'
import { selectAccountPage } from '../../src/store/accounts/queries.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import { toMigrationStates } from '../../src/store/migrations/migrate.ts'
import type { ColumnTypes, MigratedTables } from '../../src/store/migrations/migration.ts'
import { openStore, openUnmigrated } from '../../src/store/open.ts'
import { StoreError } from '../../src/store/port.ts'
import { selectPlatforms } from '../../src/store/tables/platforms.ts'
import { selectTenantPage } from '../../src/store/tables/tenant-lists.ts'
import {
  countSharedEmails,
  selectSharedEmails,
  selectUser,
  selectUserByEmail,
} from '../../src/store/tables/users.ts'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import { connect, queryDatabase, type Row, type Value } from '../../testing/query.ts'
import { OLD_ROWS, type OldRow } from '../support/old-rows.ts'
import { newEntry, putEntries } from '../support/rows.ts'
import { TEST_AUDIT_KEYS } from '../support/stores.ts'

/** What the suite needs to create a store of an older Usher. */
export interface MigratedEngine {
  /** Returns the URL of a new, empty store. */
  newUrl(): Promise<string>
  readonly builder: Kysely<MigratedTables>
  readonly types: ColumnTypes
  /** Returns the schema as the engine describes it, in an order that does not depend on the migrations. */
  describe(url: string): Promise<readonly Row[]>
}

/** Creates a store with the migrations up to a version. */
async function makeOld(engine: MigratedEngine, version: number): Promise<string> {
  const url = await engine.newUrl()
  const connection = await connect(url)
  try {
    // In a transaction, as stores apply them.
    await connection.query('BEGIN')
    await connection.query(
      'CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at text NOT NULL)',
    )
    for (const migration of migrations.slice(0, version)) {
      for (const step of migration.up(engine.builder.schema, engine.types, engine.builder)) {
        const { sql, parameters } = step.compile()
        await connection.query(sql, ...(parameters as Value[]))
      }
      await connection.query(
        `INSERT INTO migrations VALUES (${migration.version}, '${migration.name}', '2026-01-01T00:00:00.000Z')`,
      )
    }
    await connection.query('COMMIT')
  } finally {
    await connection.end()
  }
  return url
}

async function insert(url: string, table: string, row: OldRow): Promise<void> {
  const columns = Object.keys(row)
  const places = columns.map(() => '?').join()
  await queryDatabase(
    url,
    `INSERT INTO ${table} (${columns.join()}) VALUES (${places})`,
    ...Object.values(row),
  )
}

/** Selects a column under its old name, also if it was renamed. */
function selectOldColumn(table: string, name: string): string {
  const renamed = RENAMED[`${table}.${name}`]
  return renamed ? `${renamed} AS ${name}` : name
}

const RENAMED: Readonly<Record<string, string>> = {
  'audit_entries.client': 'caller',
  'audit_blocks.hash': 'seal',
}

/** The rows of an audit log as Usher 0.1 wrote them, with one entry in each block. */
function toOldLog(blocks: number): readonly (readonly [table: string, row: OldRow])[] {
  const [, template = {}] = OLD_ROWS.find(([table]) => table === 'audit_entries') ?? []
  let previous = hash('sha256', 'usher audit log', 'base64url')
  return Array.from({ length: blocks }, (_, i) => i + 1).flatMap((number) => {
    const row = { ...template, pk: 1_000 + number, id: `entry ${number}`, block: number }
    const names = ['id', 'at', 'operation', 'status', 'outcome', 'client', 'portal', 'organization', 'target']
    const content = [...names, 'correlation_id'].map((name) => (row as OldRow)[name])
    const sealed = [number, 0, ...content, ['email']]
    const own = hash('sha256', JSON.stringify(sealed), 'base64url')
    const block = hash('sha256', JSON.stringify([number, previous, own]), 'base64url')
    const range = { first_pk: 1_000 + number, last_pk: 1_000 + number, entries: 1 }
    const rows = [
      ['audit_entries', { ...row, hash: own }],
      ['audit_blocks', { number, ...range, previous_hash: previous, hash: block }],
    ] as const
    previous = block
    return rows
  })
}

async function migrate(url: string): Promise<void> {
  await (await openStore(url, { auditKeys: TEST_AUDIT_KEYS })).close()
}

/** The version of the schema in 0.1.0. */
const RELEASED = 5

/** Makes a store of 0.1.0 with organizations, a user and a client. */
async function makeReleased(engine: MigratedEngine): Promise<string> {
  const url = await makeOld(engine, RELEASED)
  const rows = OLD_ROWS.filter(([table]) => ['organizations', 'users', 'clients'].includes(table))
  for (const [table, row] of rows) await insert(url, table, row)
  return url
}

interface SharedEmail {
  readonly pk: number
  readonly email: string
  /** The key in 0.1.0, and the key after the migration. */
  readonly before: string
  readonly after: string
  readonly deleted?: true
  /** The older user with the same address, if the user shares it. */
  readonly olderPk?: number
}

/** Users of the organization 2, some of which 0.1.0 kept apart although they have one address. */
const SHARED_EMAILS: readonly SharedEmail[] = [
  { pk: 10, email: 'straße@example.com', before: 'straße@example.com', after: 'strasse@example.com' },
  {
    ...{ pk: 11, email: 'strasse@example.com', before: 'strasse@example.com', olderPk: 10 },
    after: 'strasse@example.com user-11',
  },
  {
    ...{ pk: 12, email: 'STRAẞE@example.com', before: 'straẞe@example.com', olderPk: 10 },
    after: 'strasse@example.com user-12',
  },
  {
    pk: 20,
    email: 'ada@xn--bcher-kva.example',
    before: 'ada@xn--bcher-kva.example',
    after: 'ada@xn--bcher-kva.example',
  },
  {
    ...{ pk: 21, email: 'ada@bücher.example', before: 'ada@bücher.example', olderPk: 20 },
    after: 'ada@xn--bcher-kva.example user-21',
  },
  // A deleted user blocks nothing, and gets the ordinary key, so that a create can restore it.
  {
    pk: 30,
    email: 'eve@faß.example',
    before: 'eve@faß.example',
    after: 'eve@xn--fa-hia.example',
    deleted: true,
  },
  {
    pk: 31,
    email: 'eve@xn--fa-hia.example',
    before: 'eve@xn--fa-hia.example',
    after: 'eve@xn--fa-hia.example',
  },
  { pk: 32, email: 'eve@fass.example', before: 'eve@fass.example', after: 'eve@fass.example' },
  // The old form of the second address is the new form of the first.
  { pk: 40, email: 'λόγοσ@example.com', before: 'λόγοσ@example.com', after: 'λόγοσ@example.com' },
  {
    ...{ pk: 41, email: 'λόγος@example.com', before: 'λόγος@example.com', olderPk: 40 },
    after: 'λόγοσ@example.com user-41',
  },
  // 0.1.0 accepted a domain that has no ASCII form.
  { pk: 50, email: 'Bob@⑴.example', before: 'bob@⑴.example', after: 'bob@⑴.example' },
  { pk: 60, email: 'zoë@example.com', before: 'zoë@example.com', after: 'zoë@example.com' },
]

function toOldUser({ pk, email, before, deleted }: SharedEmail): OldRow {
  const [, user] = OLD_ROWS.find(([table]) => table === 'users') ?? assert.fail('there is no old user')
  const deletedAt = deleted ? '2026-02-01T00:00:00.000Z' : null
  return {
    ...user,
    pk,
    id: `user-${pk}`,
    organization_pk: 2,
    email,
    email_key: before,
    deleted_at: deletedAt,
  }
}

/** Versions from which a store is migrated; at full length all of them. */
const OLD_VERSIONS = FULL_LENGTH
  ? migrations.slice(1, -1).map(({ version }) => version)
  : [2, RELEASED, migrations.length - 1]

export function migrationsSuite(engine: MigratedEngine): void {
  /** The schema of a new store, which many tests compare with. */
  let fresh: Promise<readonly Row[]> | undefined
  const describeFresh = (): Promise<readonly Row[]> => {
    fresh ??= engine.newUrl().then(async (url) => {
      await migrate(url)
      return engine.describe(url)
    })
    return fresh
  }

  describe('migrations', () => {
    test('a store of version 1 with data gets the schema of a new store, and keeps the data', async () => {
      const old = await makeOld(engine, 1)
      for (const [table, row] of OLD_ROWS) await insert(old, table, row)
      await migrate(old)
      assert.deepEqual(await engine.describe(old), await describeFresh())
      for (const [table, row] of OLD_ROWS) {
        if (table === 'idempotency_keys') continue
        const columns = Object.keys(row).map((name) => selectOldColumn(table, name))
        const kept = await queryDatabase(old, `SELECT ${columns.join()} FROM ${table}`)
        assert.ok(
          kept.some((one) => isDeepStrictEqual({ ...one }, row)),
          `${table} holds ${JSON.stringify(kept)}`,
        )
      }
      const [client] = await queryDatabase(
        old,
        'SELECT secret_at, created_at FROM clients WHERE secret_hash IS NOT NULL',
      )
      assert.equal(client?.secret_at, client?.created_at)
      const keys = await queryDatabase(old, 'SELECT 1 FROM idempotency_keys')
      assert.deepEqual(keys, [], 'requests of older versions cannot be compared')
    })

    for (const version of OLD_VERSIONS) {
      test(`a store of version ${version} gets the schema of a new store`, async () => {
        const old = await makeOld(engine, version)
        await migrate(old)
        assert.deepEqual(await engine.describe(old), await describeFresh())
      })
    }

    test('current queries find the data of a store of version 1', async () => {
      const url = await makeOld(engine, 1)
      for (const [table, row] of OLD_ROWS) await insert(url, table, row)
      const store = await openStore(url, { auditKeys: TEST_AUDIT_KEYS })
      const page = { offset: 0, limit: 10 }
      const tenants = await store.read((tx) => selectTenantPage(tx, { provider: 1, where: EVERYTHING }, page))
      assert.partialDeepStrictEqual(tenants, {
        total: 1,
        items: [{ id: 'tenant', orgIds: ['org'], providerPk: 1 }],
      })
      for (const criteria of [{}, { tenant: 1 }, { orgId: 'org' }]) {
        const of = { provider: 1, where: whereEqual<{ tenant: number; orgId: string }>(criteria) }
        const accounts = await store.read((tx) => selectAccountPage(tx, of, page))
        assert.partialDeepStrictEqual(accounts, {
          total: 1,
          items: [{ canonicalUserId: 'tenant$user', providerPk: 1 }],
        })
        const keys = await store.read((tx) => selectCredentialPage(tx, of, page))
        assert.partialDeepStrictEqual(keys, { total: 1, items: [{ accessKey: 'KEY' }] })
      }
      await store.close()
    })

    test('the platforms of an older store are those of its tenants, the one that may hold data first', async () => {
      const second = { pk: 2, id: 'second', organization_pk: 1, name: 'Second', created_at: '2026-02-01' }
      for (const other of ['embedded', 'ceph-rgw']) {
        const url = await makeOld(engine, 1)
        for (const [table, row] of OLD_ROWS) await insert(url, table, row)
        await insert(url, 'tenants', { ...second, platform: other })
        const store = await openStore(url, { auditKeys: TEST_AUDIT_KEYS })
        const found = await store.read(selectPlatforms)
        await store.close()
        assert.deepEqual(
          found.map(({ name, kind, cluster, isMain }) => [name, kind, cluster, isMain]),
          other === 'embedded'
            ? [['embedded', 'embedded', null, true]]
            : [
                ['ceph-rgw', 'ceph-rgw', null, true],
                ['embedded', 'embedded', null, false],
              ],
        )
      }
    })

    test('an account that was suspended keeps its own status; tenants name who gets an account', async () => {
      const url = await makeOld(engine, 1)
      for (const [table, row] of OLD_ROWS)
        await insert(url, table, table === 'accounts' ? { ...row, active: 0 } : row)
      await migrate(url)
      const [account] = await queryDatabase(url, 'SELECT active, enabled FROM accounts')
      assert.deepEqual({ ...account }, { active: 0, enabled: 0 })
      const [tenant] = await queryDatabase(url, 'SELECT accounts FROM tenants')
      assert.deepEqual({ ...tenant }, { accounts: 'named' })
    })

    test('an audit log of version 1 verifies as before, and its next block has an HMAC', async () => {
      const url = await makeOld(engine, 1)
      for (const [table, row] of OLD_ROWS.filter(([table]) => !table.startsWith('audit_')))
        await insert(url, table, row)
      for (const [table, row] of toOldLog(3)) await insert(url, table, row)
      const store = await openStore(url, { auditKeys: TEST_AUDIT_KEYS })
      const before = await store.verifyAudit()
      await putEntries(store, newEntry())
      await store.sealAudit()
      const after = await store.verifyAudit(before.head)
      await store.close()
      assert.deepEqual([before.entries, before.keyedFrom, before.faults], [3, 4, []])
      assert.deepEqual([after.head.block, after.keyedFrom, after.faults], [4, 4, []])
    })

    test('of several processes that migrate a directory, one makes the audit key, and all use it', async () => {
      const url = await makeOld(engine, 1)
      for (const [table, row] of OLD_ROWS.filter(([table]) => !table.startsWith('audit_')))
        await insert(url, table, row)
      for (const [table, row] of toOldLog(2)) await insert(url, table, row)
      const stores = await Promise.all(
        Array.from({ length: 4 }, () => openStore(url, { auditKeys: TEST_AUDIT_KEYS })),
      )
      for (const store of stores) {
        await putEntries(store, newEntry())
        await store.sealAudit()
      }
      const verdicts = await Promise.all(stores.map((store) => store.verifyAudit()))
      await Promise.all(stores.map((store) => store.close()))
      for (const { head, keyedFrom, faults } of verdicts)
        assert.deepEqual([head.block, keyedFrom, faults], [6, 3, []])
    })

    test('a directory cannot be migrated without the master key that its audit key needs, and stays unchanged', async () => {
      const url = await makeOld(engine, 1)
      for (const [table, row] of OLD_ROWS) await insert(url, table, row)
      await assert.rejects(openStore(url), /the audit key cannot be made: no master key was given/)
      assert.equal((await queryDatabase(url, 'SELECT version FROM migrations')).length, 1)
      await migrate(url)
      assert.equal((await queryDatabase(url, 'SELECT id FROM audit_keys')).length, 1)
    })

    test('keys of e-mail addresses are folded again; of users who then share one, the oldest keeps it', async () => {
      const url = await makeReleased(engine)
      for (const row of SHARED_EMAILS) await insert(url, 'users', toOldUser(row))
      const store = await openStore(url, { auditKeys: TEST_AUDIT_KEYS })
      const kept = await queryDatabase(url, 'SELECT pk, email, email_key FROM users WHERE pk > 1 ORDER BY pk')
      assert.deepEqual(
        kept.map(({ pk, email, email_key }) => [pk, email, email_key]),
        SHARED_EMAILS.map(({ pk, email, after }) => [pk, email, after]),
      )
      const shared = await store.read(selectSharedEmails)
      assert.equal(await store.read(countSharedEmails), shared.length)
      assert.deepEqual(
        shared.map(({ id, olderId, organizationId }) => [id, olderId, organizationId]),
        SHARED_EMAILS.filter(({ olderPk }) => olderPk).map(({ pk, olderPk }) => [
          `user-${pk}`,
          `user-${olderPk}`,
          'customer',
        ]),
      )
      for (const email of ['STRASSE@example.com', 'straße@EXAMPLE.com']) {
        const found = await store.read((tx) => selectUserByEmail(tx, 2, email))
        assert.equal(found?.pk, 10)
      }
      assert.equal((await store.read((tx) => selectUser(tx, 'user-11')))?.email, 'strasse@example.com')
      await store.close()
    })

    test('users of 0.1 get the provider, a status, a version and the key of their name', async () => {
      const url = await makeReleased(engine)
      const template = toOldUser({ pk: 0, email: '', before: '', after: '' })
      const names = [
        ['Ada', 'LOVELACE', 'Ada@Example.com'],
        ['Zoë', 'Groß', null],
        [null, 'ΛΌΓΟΣ', null],
        [null, null, 'b@x.example'],
        ['Ada', 'Müller', 'Ada@Müller.Example'],
        ['a'.repeat(255), 'b'.repeat(255), `${'c'.repeat(200)}@x.example`],
      ] as const
      for (const [i, [first_name, last_name, email]] of names.entries()) {
        const keys = { email, email_key: email === null ? null : foldEmail(email) }
        await insert(url, 'users', {
          ...template,
          pk: i + 10,
          id: `user-${i}`,
          first_name,
          last_name,
          ...keys,
        })
      }
      const store = await openStore(url, { auditKeys: TEST_AUDIT_KEYS })
      for (const [i, [firstName, lastName, email]] of names.entries()) {
        const user = await store.read((tx) => selectUser(tx, `user-${i}`))
        assert.deepEqual([user?.providerPk, user?.active, user?.version], [1, true, 1])
        const [row] = await queryDatabase(url, `SELECT name_key FROM users WHERE pk = ${i + 10}`)
        const emailKey = email === null ? null : foldEmail(email)
        assert.equal(row?.name_key, nameKeyOf({ firstName, lastName, email, emailKey }))
      }
      await store.close()
    })

    test('members of groups who were in the lists are found in them', async () => {
      // SQLite has the members in another index.
      if (engine.types.engine === 'sqlite') return
      const url = await makeOld(engine, 30)
      const tables = ['organizations', 'groups', 'users', 'memberships']
      for (const [table, row] of OLD_ROWS.filter(([name]) => tables.includes(name)))
        await insert(url, table, { ...row, ...(table === 'users' && { provider_pk: 1, name_key: 'zoë' }) })
      const [, user] = OLD_ROWS.find(([table]) => table === 'users') ?? assert.fail()
      for (const [pk, name_key, deleted_at] of [
        [2, 'ada', null],
        [3, 'gone', '2026-01-01T00:00:00.000Z'],
      ] as const) {
        const own = { pk, id: `user-${pk}`, email: null, email_key: null, name_key, deleted_at }
        await insert(url, 'users', { ...user, ...own, provider_pk: 1, listed: 1 })
        await insert(url, 'memberships', { user_pk: pk, group_pk: 1, listed: 1 })
      }
      const store = await openStore(url, { auditKeys: TEST_AUDIT_KEYS })
      const select = (): Promise<readonly number[] | undefined> =>
        store.read(async (tx) => {
          const search = { providerPk: 1, words: [], groups: [[1]] }
          const page = { offset: 0, limit: 10, order: { by: 'name', ascending: true } } as const
          return (await tx.userIndex.searchPage(tx, search, page))?.pks
        })
      assert.deepEqual(await select(), [2])
      while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, 10))) > 0);
      assert.deepEqual(await select(), [2, 1])
      await store.close()
    })

    test('keys of deleted users do not come back, unless an administrator has enabled the account', async () => {
      const url = await makeOld(engine, 34)
      const rowOf = (name: string): OldRow => OLD_ROWS.find(([table]) => table === name)?.[1] ?? assert.fail()
      for (const [table, row] of OLD_ROWS.filter(([name]) => ['organizations', 'tenants'].includes(name)))
        await insert(url, table, row)
      const kinds = [
        { wanted: 0, enabled: 1, keys: -1, deleted: true },
        { wanted: 1, enabled: 0, keys: 1, deleted: true },
        { wanted: 1, enabled: 1, keys: 1, deleted: true },
        { wanted: 0, enabled: 1, keys: -1, deleted: false },
        { wanted: 1, enabled: 0, keys: 1, deleted: false },
      ]
      for (const [i, { wanted, enabled, keys, deleted }] of kinds.entries()) {
        const pk = i + 1
        const user = { pk, id: `user-${pk}`, provider_pk: 1, name_key: '', email: null, email_key: null }
        const at = deleted ? '2026-01-01T00:00:00.000Z' : null
        await insert(url, 'users', { ...rowOf('users'), ...user, deleted_at: at })
        const ids = { canonical_user_id: `user-${pk}`, org_user_id: `user-${pk}`, provider_pk: 1 }
        await insert(url, 'accounts', { ...rowOf('accounts'), ...ids, pk, user_pk: pk, wanted, enabled })
        const owner = { provider_pk: 1, tenant_pk: 1, org_id: 'org' }
        const key = { pk, account_pk: pk, access_key: `KEY${pk}`, wanted: keys, ...owner }
        await insert(url, 'credentials', { ...rowOf('credentials'), ...key })
      }
      await migrate(url)
      const found = await queryDatabase(
        url,
        `SELECT accounts.enabled, credentials.wanted, accounts.desired_version AS version
          FROM accounts JOIN credentials ON account_pk = accounts.pk ORDER BY accounts.pk`,
      )
      assert.deepEqual(
        found.map(({ enabled, wanted, version }) => [enabled, wanted, Number(version)]),
        [
          [0, 0, 2],
          [0, 0, 3],
          [1, 1, 2],
          [1, -1, 2],
          [0, 1, 2],
        ],
      )
    })

    test('ids of external issuers that are UUIDs become lower case, unless another client has the id', async () => {
      const url = await makeReleased(engine)
      const [, client] = OLD_ROWS.find(([table]) => table === 'clients') ?? assert.fail()
      const [one, other] = ['0192F7C4-A6A8-7C3E-9D4B-5E6F7A8B9C0D', '1192F7C4-A6A8-7C3E-9D4B-5E6F7A8B9C0D']
      const ids = [one, other, other.toLowerCase(), 'Some-App']
      for (const [i, external_id] of ids.entries())
        await insert(url, 'clients', { ...client, pk: i + 2, id: `c${i}`, external_issuer: 'i', external_id })
      await migrate(url)
      const kept = await queryDatabase(url, 'SELECT external_id FROM clients WHERE pk > 1 ORDER BY pk')
      assert.deepEqual(
        kept.map((row) => row.external_id),
        [one.toLowerCase(), other, other.toLowerCase(), 'Some-App'],
      )
    })

    test('missing migrations are listed without being applied', async () => {
      const url = await makeOld(engine, 1)
      const store = await openUnmigrated(url)
      const states = toMigrationStates(await store.listMigrations())
      await store.close()
      assert.deepEqual(
        states.map(({ version, appliedAt }) => [version, appliedAt]),
        migrations.map(({ version }) => [version, version === 1 ? '2026-01-01T00:00:00.000Z' : null]),
      )
      const kept = await queryDatabase(url, 'SELECT version FROM migrations')
      assert.deepEqual(
        kept.map((row) => row.version),
        [1],
      )
    })

    test('a store that was never migrated has no applied migrations', async () => {
      const store = await openUnmigrated(await engine.newUrl())
      assert.deepEqual(await store.listMigrations(), [])
      await store.close()
    })

    test('of many concurrent migrations each step is applied once', async () => {
      const url = await engine.newUrl()
      const stores = await Promise.all(Array.from({ length: 6 }, () => openUnmigrated(url)))
      const applied = await Promise.all(stores.map((store) => store.migrate()))
      await Promise.all(stores.map((store) => store.close()))
      assert.deepEqual(
        applied.flat().sort((one, other) => one - other),
        migrations.map(({ version }) => version),
      )
    })

    test('a store of a newer Usher is refused and stays unchanged', async () => {
      const url = await makeOld(engine, migrations.length)
      await queryDatabase(url, "INSERT INTO migrations VALUES (999, 'later', '2030-01-01')")
      await assert.rejects(openStore(url), (error) => error instanceof StoreError && error.reason === 'newer')
    })
  })
}
