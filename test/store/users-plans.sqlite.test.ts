import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectAccount, selectAccountsOfUser } from '../../src/store/accounts/accounts.ts'
import type { Tx, UserArea } from '../../src/store/port.ts'
import { countContents, selectUsersOfOrganization } from '../../src/store/tables/deleted-organizations.ts'
import { selectActiveMembers } from '../../src/store/tables/groups.ts'
import { selectExportPage } from '../../src/store/tables/many-users.ts'
import { isOrganizationInUse } from '../../src/store/tables/organizations.ts'
import { selectUsersInArea } from '../../src/store/tables/users-in-area.ts'
import { explain } from '../support/query-plans.ts'
import { sqliteStores } from '../support/stores.ts'

const { open } = sqliteStores()

const AREAS: readonly UserArea[] = [
  { providerPk: 1 },
  { providerPk: 1, organizationPk: 2 },
  { providerPk: 1, resellerPk: 3 },
  { providerPk: 1, organizationPk: 2, resellerPk: 3 },
]

/** Returns the step that finds the users, which must be the only one that is not by primary key. */
async function planOf(area: UserArea, named: Parameters<typeof selectUsersInArea>[2]): Promise<string> {
  const plan = await explain(await open(), (tx) => selectUsersInArea(tx, area, named))
  const [step, ...others] = plan.filter((one) => /^(SEARCH|SCAN) users/.test(one))
  assert.deepEqual(others, [])
  assert.doesNotMatch(plan.join('\n'), /SCAN/)
  return String(step)
}

test('one user is found by the index of ids or of addresses, in every context', async () => {
  for (const area of AREAS) {
    const byId = await planOf(area, { id: 'x', state: 'live', limit: 2 })
    assert.match(byId, /\(id=\?\)/)
    const byEmail = await planOf(area, { email: 'a@example.com', state: 'live', limit: 2 })
    assert.match(byEmail, /users_email \(email_key=\?/)
  }
})

test('a deleted user of an organization is found by the index of addresses', async () => {
  for (const area of AREAS.filter(({ organizationPk }) => organizationPk)) {
    const step = await planOf(area, { email: 'a@example.com', state: 'deleted', limit: 1 })
    assert.match(step, /users_deleted_email \(organization_pk=\? AND email_key=\?\)/)
  }
})

test('a search by address ends at its limit, and sorts nothing', async () => {
  const store = await open()
  const named = { email: 'a@example.com', state: 'live', limit: 2 } as const
  for (const area of AREAS) {
    const plan = await explain(store, (tx) => selectUsersInArea(tx, area, named))
    assert.doesNotMatch(plan.join('\n'), /TEMP B-TREE/)
  }
})

test('Administrators are looked for among the users of their organization', async () => {
  const group = { provider: 1, name: 'Administrator' }
  const plan = await explain(await open(), (tx) =>
    selectActiveMembers(tx, group, { organization: 2, limit: 2 }),
  )
  const users = plan.filter((one) => / users /.test(one))
  assert.match(String(users[0]), /^SEARCH users USING INDEX users_of_organization \(organization_pk=\?\)/)
  assert.match(String(users[1]), /^SEARCH users USING INTEGER PRIMARY KEY \(rowid=\?\)/)
  assert.equal(users.length, 2)
  assert.ok(
    plan.some((one) => /tail USING COVERING INDEX users_unlisted/.test(one)),
    plan.join('\n'),
  )
})

test('the users of one organization are read without those of others', async () => {
  const store = await open()
  for (const work of [
    (tx: Tx) => countContents(tx, 2),
    (tx: Tx) => selectUsersOfOrganization(tx, 2, 100),
    (tx: Tx) => isOrganizationInUse(tx, 2),
  ]) {
    const plan = await explain(store, work)
    assert.ok(
      plan.some((step) => step.includes('users_of_organization (organization_pk=?')),
      plan.join('\n'),
    )
    assert.deepEqual(
      plan.filter((step) => /^SCAN users\b/.test(step) && !step.includes('users_unlisted')),
      [],
      plan.join('\n'),
    )
  }
})

test('an export reads its pages in the order of an index', async () => {
  const store = await open()
  const after = { nameKey: 'a', id: 'x' }
  for (const organizationPk of [2, undefined]) {
    const plan = await explain(store, (tx) =>
      selectExportPage(tx, { providerPk: 1, organizationPk }, { after, limit: 1_000 }),
    )
    const index = organizationPk
      ? /users_of_organization \(organization_pk=\? AND/
      : /users_name \(provider_pk=\? AND/
    assert.match(plan.join('\n'), index)
    assert.doesNotMatch(plan.join('\n'), /SCAN users|TEMP B-TREE/)
  }
})

test('the accounts of a user are found by the user, however many the provider has', async () => {
  const store = await open()
  for (const find of [
    (tx: Tx) => selectAccountsOfUser(tx, 1, 'x'),
    (tx: Tx) => selectAccount(tx, 1, { tenantId: 'y', userId: 'x' }),
  ]) {
    const plan = await explain(store, find)
    const step = plan.find((one) => /^(SEARCH|SCAN) accounts/.test(one))
    assert.match(step ?? '', /\(user_pk=\?/)
  }
})
