import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { queryCredentials } from '../../src/directory/credentials.ts'
import { bindSecrets } from '../../src/directory/sealing/binding.ts'
import { checkSecrets } from '../../src/directory/sealing/check.ts'
import { resealSecrets } from '../../src/directory/sealing/rotation.ts'
import { newSealer, sealMark } from '../../src/directory/sealing/sealer.ts'
import { getSigningKeys } from '../../src/directory/sealing/signing-keys.ts'
import type { Account } from '../../src/model/accounts.ts'
import { findDesired } from '../../src/provisioning/desired.ts'
import { addAccount, newTestDirectory, type TestDirectory } from '../support/directories.ts'
import { readCredentialRows, sealAsIn01, writeCredentialRow } from '../support/old-seals.ts'
import { type OpenStore, TEST_MASTER_KEY } from '../support/stores.ts'

const KEY = TEST_MASTER_KEY
const LOST = 'Not Available'

async function start(open: OpenStore): Promise<TestDirectory> {
  const on = await newTestDirectory(open)
  return { ...on, dir: { ...on.dir, sealer: newSealer([KEY]) } }
}

/** Returns the secrets that the API shows for an account. */
async function secretsOf(on: TestDirectory, { tenantId, userId }: Account): Promise<string[]> {
  const request = { filter: { tenantId, userId }, page: { offset: 0, limit: 10 } }
  return (await queryCredentials(on.dir, on.osis, request)).items.map((one) => one.secretKey)
}

/** Seals all secrets as Usher 0.1 did. */
async function toOldForm(on: TestDirectory, accounts: readonly Account[]): Promise<void> {
  const secrets = await Promise.all(accounts.map((one) => secretsOf(on, one)))
  for (const [place, row] of (await readCredentialRows(on.dir)).entries()) {
    const sealed_secret = sealAsIn01(KEY, secrets.flat()[place] ?? '', `credential:${row.access_key}`)
    await writeCredentialRow(on.dir, row.pk, { sealed_secret })
  }
}

/** What a secret is bound to. */
export function bindingSuite(open: OpenStore): void {
  describe('the binding of secrets', () => {
    moveTests(open)
    oldFormTests(open)
  })
}

function moveTests(open: OpenStore): void {
  test('a credential that was moved to another account opens neither for a caller nor for the platform', async () => {
    const on = await start(open)
    const [ada, eve] = [await addAccount(on, 'ada'), await addAccount(on, 'eve')]
    const [own = ''] = await secretsOf(on, ada)
    const [row] = await readCredentialRows(on.dir)
    await writeCredentialRow(on.dir, row?.pk ?? 0, { account_pk: eve.pk })
    const shown = await secretsOf(on, eve)
    assert.equal(shown.length, 2)
    assert.ok(!shown.includes(own) && shown.includes(LOST))
    const desired = await on.dir.store.read((tx) => findDesired(on.dir, tx, eve.pk))
    assert.deepEqual(
      desired?.state.credentials.map((one) => one.secretKey),
      shown.map((one) => (one === LOST ? null : one)),
    )
    assert.deepEqual((await checkSecrets(on.dir)).unopened, [`credential:${row?.access_key}`])
  })

  test('an account that got the id of another owner does not take its secrets along', async () => {
    const on = await start(open)
    const [ada, eve] = [await addAccount(on, 'ada'), await addAccount(on, 'eve')]
    const [row] = await readCredentialRows(on.dir)
    await on.dir.store.write((tx) =>
      tx.query((db) =>
        db
          .updateTable('accounts')
          .set({ canonical_user_id: `${on.tenantId}$x` })
          .where('pk', '=', ada.pk),
      ),
    )
    assert.deepEqual(await secretsOf(on, ada), [LOST])
    assert.notDeepEqual(await secretsOf(on, eve), [LOST])
    assert.deepEqual((await checkSecrets(on.dir)).unopened, [`credential:${row?.access_key}`])
  })

  test('a signing key whose public half was replaced is refused', async () => {
    const on = await start(open)
    await getSigningKeys(on.dir, async () => ({ kid: 'k', publicJwk: '{"x":1}', privateJwk: '{}' }))
    await on.dir.store.write((tx) =>
      tx.query((db) => db.updateTable('signing_keys').set({ public_jwk: '{"x":2}' })),
    )
    await assert.rejects(getSigningKeys(on.dir, assert.fail), /cannot be opened/)
  })
}

function oldFormTests(open: OpenStore): void {
  test('secrets of 0.1 are sealed again once, keep their value, and are bound to their account then', async () => {
    const on = await start(open)
    const accounts = [await addAccount(on, 'ada'), await addAccount(on, 'eve')] as const
    const secrets = await Promise.all(accounts.map((one) => secretsOf(on, one)))
    await getSigningKeys(on.dir, async () => ({ kid: 'k', publicJwk: '{}', privateJwk: '{"d":1}' }))
    const sealed_private = sealAsIn01(KEY, '{"d":1}', 'signing-key:k')
    await on.dir.store.write((tx) => tx.query((db) => db.updateTable('signing_keys').set({ sealed_private })))
    await toOldForm(on, accounts)
    assert.deepEqual(await checkSecrets(on.dir), { checked: 4, unopened: [] })
    assert.equal(await bindSecrets(on.dir), 3)
    assert.equal(await bindSecrets(on.dir), 0)
    assert.deepEqual(await Promise.all(accounts.map((one) => secretsOf(on, one))), secrets)
    const [key] = await getSigningKeys(on.dir, assert.fail)
    assert.equal(key?.privateJwk, '{"d":1}')
    for (const row of await readCredentialRows(on.dir)) assert.ok(row.sealed_secret.startsWith(sealMark(KEY)))
  })

  test('a secret of 0.1 is served only after it was sealed again', async () => {
    const on = await start(open)
    const account = await addAccount(on)
    await toOldForm(on, [account])
    assert.deepEqual(await secretsOf(on, account), [LOST])
  })

  test('a secret of 0.1 that no key opens stays as it is, and the others are sealed again', async () => {
    const on = await start(open)
    const accounts = [await addAccount(on, 'ada'), await addAccount(on, 'eve')]
    await toOldForm(on, accounts)
    const [first, second] = await readCredentialRows(on.dir)
    await writeCredentialRow(on.dir, first?.pk ?? 0, { sealed_secret: second?.sealed_secret ?? '' })
    assert.equal(await bindSecrets(on.dir), 1)
    assert.deepEqual((await checkSecrets(on.dir)).unopened, [`credential:${first?.access_key}`])
  })

  test('a rotation of the master key binds secrets of 0.1 too', async () => {
    const on = await start(open)
    const account = await addAccount(on)
    const before = await secretsOf(on, account)
    await toOldForm(on, [account])
    const next = randomBytes(32)
    assert.deepEqual((await resealSecrets(on.dir, on.operator, [next, KEY])).unopened, [])
    const rotated = { ...on, dir: { ...on.dir, sealer: newSealer([next]) } }
    assert.deepEqual(await secretsOf(rotated, account), before)
  })

  test('a text of the current form does not open as one of 0.1, whatever its row is called', async () => {
    const on = await start(open)
    const [ada, eve] = [await addAccount(on, 'ada'), await addAccount(on, 'eve')]
    const [one, other] = await readCredentialRows(on.dir)
    const access_key = `${one?.access_key}:${ada.canonicalUserId}:${ada.userId}`
    const sealed_secret = `1.${one?.sealed_secret.slice(2)}`
    await writeCredentialRow(on.dir, other?.pk ?? 0, { access_key, sealed_secret })
    assert.equal(await bindSecrets(on.dir), 0)
    assert.deepEqual(await secretsOf(on, eve), [LOST])
  })
}
