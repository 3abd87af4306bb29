import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { AuthError } from '../../src/auth/auth-error.ts'
import { type BearerCheck, newBearerCheck, trustOwn } from '../../src/auth/bearer.ts'
import { type Issuer, openIssuer, TOKEN_SECONDS } from '../../src/auth/issuer.ts'
import { deleteClient, findClient } from '../../src/directory/clients.ts'
import { CACHE_TTL_MS } from '../../src/directory/directory.ts'
import { signingKeyIdentity } from '../../src/directory/sealing/signing-keys.ts'
import type { Client } from '../../src/model/clients.ts'
import { insertSigningKey } from '../../src/store/tables/signing-keys.ts'
import { withClock } from '../support/clock.ts'
import { newTestDirectory, type TestDirectory } from '../support/directories.ts'
import { sqliteStores } from '../support/stores.ts'

const { open } = sqliteStores()

interface Own {
  readonly on: TestDirectory
  readonly check: BearerCheck
  readonly issuer: Issuer
  readonly client: Client
  /** How often a signature was verified. */
  verified(): number
}

async function newOwn(): Promise<Own> {
  const on = await newTestDirectory(open)
  const issuer = await openIssuer(on.dir, () => 'https://usher.example')
  let verified = 0
  const getKey: Issuer['getKey'] = (...given) => {
    verified++
    return issuer.getKey(...given)
  }
  const client = await findClient(on.dir, on.setup.administrator.id)
  assert.ok(client)
  return {
    on,
    issuer,
    client,
    check: newBearerCheck([trustOwn({ ...issuer, getKey }, on.dir)]),
    verified: () => verified,
  }
}

test('a token is verified once, however often it is presented', async () => {
  const { check, issuer, client, verified } = await newOwn()
  const token = await issuer.issue(client)
  for (let i = 0; i < 5; i++) assert.equal((await check(`Bearer ${token}`)).id, client.id)
  assert.equal(verified(), 1)
})

test('a token that differs only in its signature is verified, and refused', async () => {
  const { check, issuer, client, verified } = await newOwn()
  const token = await issuer.issue(client)
  await check(`Bearer ${token}`)
  const [header, payload, signature = ''] = token.split('.')
  const forged = [
    header,
    payload,
    signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`,
  ]
  await assert.rejects(check(`Bearer ${forged.join('.')}`), AuthError)
  assert.equal(verified(), 2)
})

test('a refused token is not cached as an accepted one', async () => {
  const { check, issuer, client } = await newOwn()
  const token = `${await issuer.issue(client)}x`
  for (let i = 0; i < 2; i++) await assert.rejects(check(`Bearer ${token}`), AuthError)
})

test('a token that was verified before is refused once it has expired', async () => {
  const { check, issuer, client } = await newOwn()
  await withClock(async (pass) => {
    const token = await issuer.issue(client)
    await check(`Bearer ${token}`)
    pass((TOKEN_SECONDS - 1) * 1000)
    await check(`Bearer ${token}`)
    pass(1000)
    await assert.rejects(check(`Bearer ${token}`), /expired/)
  })
})

test('a token whose client was removed is refused within 5 s', async () => {
  const { on, check, issuer, client } = await newOwn()
  await withClock(async (pass) => {
    const token = await issuer.issue(client)
    await check(`Bearer ${token}`)
    await deleteClient(on.dir, on.operator, client.id)
    pass(5_000)
    await assert.rejects(check(`Bearer ${token}`), AuthError)
    await assert.rejects(check(`Bearer ${token}`), AuthError)
  })
})

test('a token is accepted after a restart, since the keys are stored', async () => {
  const { on, issuer, client } = await newOwn()
  const token = await issuer.issue(client)
  const restarted = await openIssuer(on.dir, issuer.url)
  assert.deepEqual(await restarted.jwks(), await issuer.jwks())
  assert.equal((await newBearerCheck([trustOwn(restarted, on.dir)])(`Bearer ${token}`)).id, client.id)
})

test('a token that another process signed with a newer key is accepted, and the key is published', async () => {
  const { on, issuer, check, client } = await newOwn()
  await withClock(async (pass) => {
    await addSigningKey(on)
    const token = await (await openIssuer(on.dir, issuer.url)).issue(client)
    pass(CACHE_TTL_MS + 1)
    assert.equal((await check(`Bearer ${token}`)).id, client.id)
    assert.equal((await issuer.jwks()).keys.length, 2)
  })
})

async function addSigningKey({ dir }: TestDirectory): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const kid = 'added'
  const publicJwk = JSON.stringify({ ...(await exportJWK(publicKey)), kid, alg: 'ES256' })
  const sealedPrivate = dir.sealer.seal(
    JSON.stringify(await exportJWK(privateKey)),
    signingKeyIdentity(kid, publicJwk),
  )
  const now = dir.now().toISOString()
  const key = { kid, publicJwk, sealedPrivate, createdAt: now, signsAt: now, expiresAt: null }
  await dir.store.write((tx) => insertSigningKey(tx, key))
}

test('a token is refused once it is older than the rules allow, whatever its exp says', async () => {
  const { on, issuer, client } = await newOwn()
  await withClock(async (pass) => {
    const check = newBearerCheck([{ ...trustOwn(issuer, on.dir), maxAgeSeconds: 60 }])
    const token = await issuer.issue(client)
    await check(`Bearer ${token}`)
    pass(59_000)
    await check(`Bearer ${token}`)
    pass(1_000)
    await assert.rejects(check(`Bearer ${token}`), /expired/)
    await assert.rejects(
      newBearerCheck([{ ...trustOwn(issuer, on.dir), maxAgeSeconds: 60 }])(`Bearer ${token}`),
    )
  })
})
