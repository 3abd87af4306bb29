import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import type { Directory } from '../../src/directory/directory.ts'
import { checkSecrets } from '../../src/directory/sealing/check.ts'
import { type Resealed, recordRotation, resealSecrets } from '../../src/directory/sealing/rotation.ts'
import { sealedRowIdentity } from '../../src/directory/sealing/sealed-tables.ts'
import {
  masterKeyId,
  newFollowingSealer,
  newSealer,
  sealMark,
  UnknownKeyError,
} from '../../src/directory/sealing/sealer.ts'
import { getSigningKeys } from '../../src/directory/sealing/signing-keys.ts'
import { rotateWebhook } from '../../src/directory/webhook-rotation.ts'
import { beginWebhookTest, createWebhook } from '../../src/directory/webhooks.ts'
import { selectSealed } from '../../src/store/tables/sealed-rows.ts'
import { newAddressRule } from '../../src/webhooks/addresses.ts'
import {
  addClient,
  newTestDirectory,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import { type OpenStore, TEST_MASTER_KEY } from '../support/stores.ts'

const OLD = TEST_MASTER_KEY
const NEW = randomBytes(32)

/** A directory whose secrets are sealed under the old key: one signing key, the audit key, and credentials. */
async function newSealedDirectory(open: OpenStore, credentials: number): Promise<TestDirectory> {
  const on = await newTestDirectory(open)
  const dir = { ...on.dir, sealer: newSealer([OLD]) }
  await getSigningKeys(dir, async () => ({ kid: 'k1', publicJwk: '{}', privateJwk: '{"d":"private"}' }))
  await addCredentials({ ...on, dir }, credentials)
  return { ...on, dir }
}

async function addCredentials(on: TestDirectory, count: number, name = 'user'): Promise<void> {
  const person = { username: null, email: null, role: 'TENANT_USER', active: true } as const
  const create = (i: number): Promise<unknown> => {
    const account = { orgId: on.orgId, orgUserId: `${name} ${i}`, ...person }
    return createAccount(on.dir, on.osis, { tenantId: on.tenantId, account })
  }
  // A hundred at once, so that none waits too long for a connection on a slow machine.
  for (let first = 0; first < count; first += 100)
    await Promise.all(Array.from({ length: Math.min(100, count - first) }, (_, i) => create(first + i)))
}

interface Sealed {
  readonly pk: number
  readonly access_key: string
  readonly sealed_secret: string
}

function readCredentials({ store }: Directory): Promise<Sealed[]> {
  return store.read((tx) =>
    tx.query((db) =>
      db.selectFrom('credentials').select(['pk', 'access_key', 'sealed_secret']).orderBy('pk'),
    ),
  )
}

/** The secret of each credential, opened with some keys. */
async function readSecrets(dir: Directory, ...keys: Buffer[]): Promise<Map<string, string>> {
  const sealer = newSealer(keys)
  const rows = await dir.store.read((tx) => selectSealed(tx, 'credentials', { after: 0, limit: 1_000 }))
  return new Map(
    rows.map((row) => [row.name, sealer.open(row.sealed, sealedRowIdentity('credentials', row))]),
  )
}

async function damage({ store }: Directory, { pk }: Sealed, text: string): Promise<void> {
  await store.write((tx) =>
    tx.query((db) => db.updateTable('credentials').set({ sealed_secret: text }).where('pk', '=', pk)),
  )
}

const reseal = (on: TestDirectory, keys: readonly [Buffer, ...Buffer[]] = [NEW, OLD]): Promise<Resealed> =>
  resealSecrets(on.dir, on.operator, keys)

/** The re-sealing of secrets when the master key is rotated. */
export function rotationSuite(open: OpenStore): void {
  describe('re-sealing', () => {
    resealTests(open)
    unopenedTests(open)
    auditTests(open)
    unreadableTests(open)
  })
}

function resealTests(open: OpenStore): void {
  test('every secret keeps its value, and opens with the new key alone', async () => {
    // More secrets than two units re-seal.
    const on = await newSealedDirectory(open, 450)
    const before = await readSecrets(on.dir, OLD)
    assert.equal(before.size, 450)
    assert.deepEqual(await reseal(on), { key: masterKeyId(NEW), resealed: 452, checked: 452, unopened: [] })
    assert.deepEqual(await readSecrets(on.dir, NEW), before)
    const [key] = await getSigningKeys({ ...on.dir, sealer: newSealer([NEW]) }, assert.fail)
    assert.equal(key?.privateJwk, '{"d":"private"}')
    const { checked, unopened } = await checkSecrets(on.dir)
    assert.equal(unopened.length, checked, 'the old key still opens something')
  })

  test('the secrets of a webhook are sealed again, and sign as before', async () => {
    const on = await newSealedDirectory(open, 0)
    const input = { url: 'https://receiver.example', receivers: newAddressRule([]) }
    const { id, secret } = await createWebhook(on.dir, on.operator, input)
    const rotated = await rotateWebhook(on.dir, on.operator, { id })
    await reseal(on)
    const dir = { ...on.dir, sealer: newSealer([NEW]) }
    assert.deepEqual((await beginWebhookTest(dir, on.operator, id)).secrets, [rotated.secret, secret])
    await assert.rejects(beginWebhookTest(on.dir, on.operator, id), UnknownKeyError)
    await assert.rejects(rotateWebhook(on.dir, on.operator, { id }), refusedAs('invalid'))
    // A secret that no master key opens can still be replaced.
    await rotateWebhook(on.dir, on.operator, { id, previousUntil: null })
    assert.equal((await beginWebhookTest(on.dir, on.operator, id)).secrets.length, 1)
  })

  test('a repeated re-sealing finds nothing to do, and writes nothing', async () => {
    const on = await newSealedDirectory(open, 3)
    await reseal(on)
    const before = await readCredentials(on.dir)
    assert.equal((await reseal(on)).resealed, 0)
    assert.deepEqual(await readCredentials(on.dir), before)
  })

  test('an interrupted re-sealing is continued, whatever keys the rows have', async () => {
    const on = await newSealedDirectory(open, 5)
    const other = randomBytes(32)
    await reseal(on, [other, OLD])
    await addCredentials(on, 5, 'late')
    const before = await readSecrets(on.dir, other, OLD)
    assert.equal((await reseal(on, [NEW, other, OLD])).resealed, 12)
    assert.deepEqual(await readSecrets(on.dir, NEW), before)
  })

  test('several re-sealings at the same time have the result of one', async () => {
    const on = await newSealedDirectory(open, 300)
    const before = await readSecrets(on.dir, OLD)
    const results = await Promise.all([reseal(on), reseal(on), reseal(on)])
    for (const { unopened } of results) assert.deepEqual(unopened, [])
    assert.equal(
      results.reduce((sum, { resealed }) => sum + resealed, 0),
      302,
    )
    assert.deepEqual(await readSecrets(on.dir, NEW), before)
  })

  test('credentials that are created at the same time end up under the new key', async () => {
    const on = await newSealedDirectory(open, 250)
    const late = { ...on, dir: { ...on.dir, sealer: newSealer([NEW, OLD]) } }
    const [{ unopened }] = await Promise.all([reseal(on), addCredentials(late, 50, 'new')])
    assert.deepEqual(unopened, [])
    assert.equal((await readSecrets(on.dir, NEW)).size, 300)
  })
}

function unopenedTests(open: OpenStore): void {
  test('a secret that no key opens stays as it is and is named, and all others are re-sealed', async () => {
    const on = await newSealedDirectory(open, 203)
    const [first, second, third] = await readCredentials(on.dir)
    assert.ok(first && second && third)
    const foreign = newSealer([randomBytes(32)]).seal('secret', `credential:${first.access_key}`)
    await damage(on.dir, first, foreign)
    await damage(on.dir, second, 'nothing sealed')
    // Its mark says that it is sealed under the new key.
    await damage(on.dir, third, `${sealMark(NEW)}AAAA`)
    const { resealed, checked, unopened } = await reseal(on)
    assert.deepEqual([resealed, checked], [202, 205])
    const names = [first, second, third].map((row) => `credential:${row.access_key}`)
    assert.deepEqual(unopened, names)
    const rows = await readCredentials(on.dir)
    assert.deepEqual(
      rows.slice(0, 3).map((row) => row.sealed_secret),
      [foreign, 'nothing sealed', `${sealMark(NEW)}AAAA`],
    )
  })

  test('a secret that was moved to another row does not open there, and is not re-sealed', async () => {
    const on = await newSealedDirectory(open, 2)
    const [one, other] = await readCredentials(on.dir)
    assert.ok(one && other)
    await damage(on.dir, one, other.sealed_secret)
    assert.deepEqual((await reseal(on)).unopened, [`credential:${one.access_key}`])
  })
}

function auditTests(open: OpenStore): void {
  const entriesOf = async (on: TestDirectory): Promise<unknown[]> => {
    const entries = (await readAudit(on.dir)).filter((entry) => entry.operation === 'RotateKey')
    return entries.map(({ caller, status, outcome, target }) => [caller.kind, status, outcome, target])
  }

  test('the begin and the end are audited with the operator as caller, and no key is in the log', async () => {
    const on = await newSealedDirectory(open, 2)
    await recordRotation(on.dir, on.operator, NEW)
    await reseal(on)
    const id = masterKeyId(NEW)
    assert.deepEqual(await entriesOf(on), [
      ['operator', 'Succeeded', 'resealed', id],
      ['operator', 'Succeeded', 'begun', id],
    ])
    const log = JSON.stringify(await readAudit(on.dir))
    for (const key of [OLD, NEW]) assert.ok(!log.includes(key.toString('base64').slice(0, 20)))
  })

  test('a re-sealing that leaves a secret unopened has no end in the log', async () => {
    const on = await newSealedDirectory(open, 1)
    const [row] = await readCredentials(on.dir)
    if (row) await damage(on.dir, row, '1.damaged.x')
    await reseal(on)
    assert.deepEqual(await entriesOf(on), [])
  })

  test('only the operator can rotate the key', async () => {
    const on = await newSealedDirectory(open, 1)
    const client = await addClient(on, on.setup.provider.id)
    for (const ctx of [client, on.osis]) {
      await assert.rejects(recordRotation(on.dir, ctx, NEW), refusedAs('not_permitted'))
      await assert.rejects(resealSecrets(on.dir, ctx, [NEW, OLD]), refusedAs('not_permitted'))
    }
    assert.equal((await readSecrets(on.dir, OLD)).size, 1)
  })
}

function unreadableTests(open: OpenStore): void {
  test('while the keys cannot be read, nothing is sealed under a key that may be outdated', async () => {
    const on = await newSealedDirectory(open, 1)
    const clock = { now: 0 }
    const gone = (): never => {
      throw new Error('the file is gone')
    }
    const blind = { ...on, dir: { ...on.dir, sealer: newFollowingSealer([OLD], gone, () => clock.now) } }
    clock.now += 60_000
    await assert.rejects(addCredentials(blind, 1, 'blind'), refusedAs('store_unavailable'))
    assert.equal((await readCredentials(on.dir)).length, 1)
  })
}
