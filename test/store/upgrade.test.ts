import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { queryAccounts } from '../../src/store/account-queries.ts'
import { verifyAuditLog } from '../../src/store/audit.ts'
import { queryCredentials } from '../../src/store/credentials.ts'
import { initial } from '../../src/store/migrations/0001-initial.ts'
import { openStore } from '../../src/store/open.ts'
import { columnTypes, openConnection } from '../../src/store/sqlite-connection.ts'
import { queryTenants } from '../../src/store/tenant-queries.ts'

/** What a first version left behind: a provider, a customer with a tenant, and its account, one of two removed. */
const LEFT_BEHIND = [
  "INSERT INTO migrations VALUES (1, 'initial', 't')",
  "INSERT INTO organizations (pk, id, kind, name, provider_pk, created_at) VALUES (1, 'p', 'provider', 'P', NULL, 't')",
  "INSERT INTO organizations (pk, id, kind, name, provider_pk, created_at) VALUES (2, 'c', 'customer', 'C', 1, 't')",
  "INSERT INTO tenants (pk, id, organization_pk, platform, name, created_at) VALUES (7, 'c_1', 2, 'embedded', 'C', 't')",
  "INSERT INTO tenant_orgs (tenant_pk, provider_pk, platform, org_id) VALUES (7, 1, 'embedded', 'org')",
  ...[1, 0].flatMap((wanted, i) => [
    `INSERT INTO users (pk, id, organization_pk, created_at, updated_at) VALUES (${i + 1}, 'u${i}', 2, 't', 't')`,
    `INSERT INTO accounts (pk, tenant_pk, user_pk, platform, canonical_user_id, org_id, org_user_id, username, role,
       active, wanted, desired_version, applied_version, attempts, desired_at, due_at, created_at)
     VALUES (${i + 1}, 7, ${i + 1}, 'embedded', 'c_1$u${i}', 'org', 'o${i}', 'n', 'UNKNOWN', 1, ${wanted}, 1, 1, 0, 't', 't', 't')`,
    `INSERT INTO credentials (account_pk, access_key, sealed_secret, active, created_at)
     VALUES (${i + 1}, 'AK${i}', 's', 1, 't')`,
  ]),
]

test('a directory of the first version is brought up to date with all that it holds', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'usher-upgrade-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'usher.db')
  const connection = openConnection(path, false)
  connection.appliedVersions()
  const { builder } = connection
  for (const step of initial.up(builder.schema, columnTypes, builder)) connection.runCompiled(step)
  connection.close()
  const db = new DatabaseSync(path)
  for (const statement of LEFT_BEHIND) db.exec(statement)
  db.close()

  const store = await openStore(`sqlite:${path}`)
  t.after(() => store.close())
  const page = { offset: 0, limit: 10 }
  const tenants = await store.read((tx) => queryTenants(tx, { provider: 1 }, page))
  assert.partialDeepStrictEqual(tenants, { total: 1, items: [{ id: 'c_1', orgIds: ['org'], providerPk: 1 }] })
  for (const criteria of [{}, { tenant: 7 }, { orgId: 'org' }]) {
    const accounts = await store.read((tx) => queryAccounts(tx, { provider: 1, ...criteria }, page))
    assert.partialDeepStrictEqual(accounts, {
      total: 1,
      items: [{ canonicalUserId: 'c_1$u0', providerPk: 1 }],
    })
    const keys = await store.read((tx) => queryCredentials(tx, { provider: 1, ...criteria }, page))
    assert.partialDeepStrictEqual(keys, { total: 1, items: [{ accessKey: 'AK0' }] })
  }
  assert.deepEqual((await store.read((tx) => verifyAuditLog(tx, true))).faults, [])
})
