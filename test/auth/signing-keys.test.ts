import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { AuthError } from '../../src/auth/auth-error.ts'
import { newBearerCheck, trustOwn } from '../../src/auth/bearer.ts'
import { type Issuer, openIssuer } from '../../src/auth/issuer.ts'
import { rotateSigningKey } from '../../src/auth/signing-keys.ts'
import { findClient } from '../../src/directory/clients.ts'
import { deleteOldSigningKeys, listSigningKeys } from '../../src/directory/sealing/signing-keys.ts'
import { withClock } from '../support/clock.ts'
import { clientIdOf, newTestDirectory, type TestDirectory } from '../support/directories.ts'
import { countRows } from '../support/rows.ts'
import { sqliteStores } from '../support/stores.ts'

const { open } = sqliteStores()

interface World {
  readonly on: TestDirectory
  readonly issuer: Issuer
  readonly issue: () => Promise<string>
  readonly check: (token: string) => Promise<unknown>
  /** Moves all clocks on, and reads the keys as a process does every two seconds. */
  readonly pass: (ms: number) => Promise<void>
  readonly states: () => Promise<string[]>
}

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const on = await newTestDirectory(open)
  await withClock(async (pass) => {
    const dir = { ...on.dir, now: () => new Date() }
    const issuer = await openIssuer(dir, () => 'https://usher.example')
    const check = newBearerCheck([trustOwn(issuer, dir)])
    const client = await findClient(dir, clientIdOf(on.provider))
    if (!client) throw new Error('there is no client')
    await work({
      on: { ...on, dir },
      issuer,
      issue: () => issuer.issue(client),
      check: (token) => check(`Bearer ${token}`),
      async pass(ms) {
        pass(ms)
        await issuer.readKeys()
      },
      states: async () => (await listSigningKeys(dir, on.operator)).map((key) => key.state),
    })
  })
}

const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid

test('an old key is published until its last token has expired, and is deleted then', async () => {
  await inWorld(async ({ on, issuer, issue, check, pass, states }) => {
    const first = await issue()
    const kid = await rotateSigningKey(on.dir, on.operator, { now: false })
    await pass(2_000)
    assert.equal(kidOf(await issue()), kidOf(first))
    await pass(7_900)
    const last = await issue()
    assert.equal(kidOf(last), kidOf(first))
    await pass(200)
    assert.equal(kidOf(await issue()), kid)
    await pass(3_596_000)
    await check(last)
    assert.deepEqual(await states(), ['signing', 'retired'])
    await pass(70_000)
    assert.deepEqual(await states(), ['signing'])
    assert.deepEqual(
      (await issuer.jwks()).keys.map((key) => key.kid),
      [kid],
    )
    assert.deepEqual(await countRows(on.dir.store, ['signing_keys']), { signing_keys: 2 })
    await deleteOldSigningKeys(on.dir)
    assert.deepEqual(await countRows(on.dir.store, ['signing_keys']), { signing_keys: 1 })
  })
})

test('a rotation during another one keeps the end of the oldest key', async () => {
  await inWorld(async ({ on, issue, pass, states }) => {
    await issue()
    await rotateSigningKey(on.dir, on.operator, { now: false })
    const before = (await listSigningKeys(on.dir, on.operator)).at(-1)
    await pass(5_000)
    const kid = await rotateSigningKey(on.dir, on.operator, { now: false })
    assert.deepEqual(await states(), ['next', 'next', 'signing'])
    assert.deepEqual((await listSigningKeys(on.dir, on.operator)).at(-1), before)
    await pass(10_000)
    assert.equal(kidOf(await issue()), kid)
    assert.deepEqual(await states(), ['signing', 'retired', 'retired'])
  })
})

test('--now: a token that was verified before is refused with the next read of the keys', async () => {
  await inWorld(async ({ on, issue, check, pass }) => {
    const token = await issue()
    await check(token)
    await rotateSigningKey(on.dir, on.operator, { now: true })
    await pass(2_000)
    await assert.rejects(check(token), AuthError)
    await check(await issue())
  })
})

test('while the store fails, the known keys stay in use', async () => {
  await inWorld(async ({ on, issuer, issue, check }) => {
    const token = await issue()
    await check(token)
    await on.dir.store.close()
    await assert.rejects(issuer.readKeys())
    assert.equal((await issuer.jwks()).keys.length, 1)
    assert.equal(kidOf(await issue()), kidOf(token))
    await check(token)
  })
})
