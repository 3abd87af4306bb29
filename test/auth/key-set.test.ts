import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { AuthError, IssuerUnavailableError } from '../../src/auth/auth-error.ts'
import { type BearerCheck, newBearerCheck, trustOwn } from '../../src/auth/bearer.ts'
import { trustExternal } from '../../src/auth/external-issuers.ts'
import { openIssuer } from '../../src/auth/issuer.ts'
import { createClient, findClient } from '../../src/directory/clients.ts'
import { withClock } from '../support/clock.ts'
import { newTestDirectory } from '../support/directories.ts'
import { type Behaviour, startIssuer, type TestIssuer } from '../support/issuer.ts'
import { sqliteStores } from '../support/stores.ts'

const { open } = sqliteStores()

/** An external issuer, and a check that trusts it and our own one. */
interface World {
  readonly external: TestIssuer
  readonly check: BearerCheck
  /** Asserts that a new token, or this one, stands for our client with the id `app` at the issuer. */
  assertAccepted(token?: string): Promise<void>
  /** The messages of the log so far, with their fields. */
  readonly lines: readonly { readonly message: string; readonly [field: string]: unknown }[]
  /** Returns a token of our own issuer. */
  issueOwn(): Promise<string>
}

async function withExternal(work: (world: World) => Promise<void>): Promise<void> {
  const on = await newTestDirectory(open)
  const own = await openIssuer(on.dir, () => 'https://usher.example')
  const external = await startIssuer()
  const { issuer, jwksUrl, audience } = external
  const { id } = await createClient(on.dir, on.operator, {
    organizationId: on.customerId,
    name: 'App',
    permission: 'administrator',
    external: { issuer, id: 'app' },
  })
  const client = await findClient(on.dir, on.setup.administrator.id)
  assert.ok(client)
  const lines: { message: string }[] = []
  const write = (fields: object, message: string): void => {
    lines.push({ ...fields, message })
  }
  const setting = { issuer, jwksUrl, audience, algorithms: ['ES256', 'RS256'] }
  const trusted = trustExternal(setting, { dir: on.dir, log: { info: write, warn: write } })
  const check = newBearerCheck([trustOwn(own, on.dir), trusted])
  try {
    await work({
      ...{ external, check, lines },
      issueOwn: () => own.issue(client),
      async assertAccepted(token) {
        assert.equal((await check(`Bearer ${token ?? (await external.sign())}`)).id, id)
      },
    })
  } finally {
    await external.close()
  }
}

test("an external issuer's token stands for the client that its id maps to", async () => {
  await withExternal(async ({ external, check, assertAccepted }) => {
    await assertAccepted()
    await assertAccepted()
    assert.equal(external.fetches(), 1)
    const other = await external.sign({ azp: 'other', sub: 'other' })
    await assert.rejects(check(`Bearer ${other}`), AuthError)
  })
})

const OUTAGES: readonly (readonly [Behaviour, RegExp])[] = [
  ['error', /status 500/],
  ['redirect', /status 302/],
  ['garbage', /not JSON/],
  ['huge', /larger than 256 KiB/],
  ['many', /101 keys; Usher takes up to 100/],
]

for (const [outage, reason] of OUTAGES) {
  test(`while the keys cannot be fetched (${outage}), tokens are neither accepted nor rejected`, async () => {
    await withExternal(async ({ external, check, assertAccepted, lines }) => {
      await withClock(async (pass) => {
        external.behave(outage)
        const tokens = await Promise.all(Array.from({ length: 100 }, () => external.sign()))
        for (const token of tokens) await assert.rejects(check(`Bearer ${token}`), IssuerUnavailableError)
        await Promise.all(
          tokens.map((token) => assert.rejects(check(`Bearer ${token}`), IssuerUnavailableError)),
        )
        assert.equal(external.fetches(), 1, 'a fetch that failed is repeated at once')
        pass(10_000)
        await assert.rejects(check(`Bearer ${tokens[0]}`), IssuerUnavailableError)
        assert.equal(external.fetches(), 2)
        assert.equal(lines.length, 1, 'the log has more than one line for one outage')
        assert.match(String(lines[0]?.reason), reason)
        external.behave('keys')
        pass(10_000)
        await assertAccepted(tokens[0])
        assert.equal(lines.length, 2)
        assert.deepEqual([lines[1]?.seconds, lines[1]?.unchecked], [20, 201])
      })
    })
  })
}

test('an issuer that does not listen is unavailable; one that does not respond is so within 6 s', async () => {
  await withExternal(async ({ external, check }) => {
    const token = await external.sign()
    external.behave('hang')
    const begun = performance.now()
    await assert.rejects(check(`Bearer ${token}`), IssuerUnavailableError)
    assert.ok(performance.now() - begun < 6_000)
  })
  await withExternal(async ({ external, check, lines }) => {
    const token = await external.sign()
    await external.close()
    await assert.rejects(check(`Bearer ${token}`), IssuerUnavailableError)
    assert.match(String(lines[0]?.reason), /ECONNREFUSED/)
    external.close = async () => undefined
  })
})

test('an outage does not affect tokens of known keys, nor our own', async () => {
  await withExternal(async ({ external, check, assertAccepted, issueOwn }) => {
    const token = await external.sign()
    await assertAccepted(token)
    external.behave('error')
    await assertAccepted(token)
    await assertAccepted()
    await check(`Bearer ${await issueOwn()}`)
  })
})

test('a new key of the issuer is fetched, but not for every unknown key id', async () => {
  await withExternal(async ({ external, check, assertAccepted }) => {
    await withClock(async (pass) => {
      await assertAccepted()
      await external.rotate()
      const token = await external.sign()
      for (let i = 0; i < 20; i++) await assert.rejects(check(`Bearer ${token}`), AuthError)
      assert.equal(external.fetches(), 1)
      pass(30_000)
      await assertAccepted(token)
      assert.equal(external.fetches(), 2)
    })
  })
})

test('a new key is fetched for tokens without a kid too', async () => {
  await withExternal(async ({ external, assertAccepted }) => {
    await withClock(async (pass) => {
      await assertAccepted(await external.sign({}, { kid: undefined }))
      await external.rotate()
      pass(30_000)
      await assertAccepted(await external.sign({}, { kid: undefined }))
      assert.equal(external.fetches(), 2)
    })
  })
})

test('a key that the issuer withdrew is refused after 10 minutes', async () => {
  await withExternal(async ({ external, check, assertAccepted }) => {
    await withClock(async (pass) => {
      const token = await external.sign()
      await assertAccepted(token)
      await external.rotate()
      pass(600_000)
      await assert.rejects(check(`Bearer ${token}`), AuthError)
    })
  })
})

test('a token with a kid that the issuer does not have is refused', async () => {
  await withExternal(async ({ external, check, assertAccepted }) => {
    await assertAccepted()
    const token = await external.sign({}, { kid: 'unknown' })
    await assert.rejects(check(`Bearer ${token}`), AuthError)
  })
})

test('a token without a kid is tried with every key that fits', async () => {
  await withExternal(async ({ external, check, assertAccepted }) => {
    const first = await external.sign({}, { kid: undefined })
    external.publish({ kty: 'EC', crv: 'P-256', x: 'not a point', y: 'at all' })
    await external.addKey()
    const second = await external.sign({}, { kid: undefined })
    await external.addKey('RS256')
    const third = await external.sign({}, { kid: undefined })
    for (const token of [first, second, third]) await assertAccepted(token)
    const expired = await external.sign({ exp: 1 }, { kid: undefined })
    await assert.rejects(check(`Bearer ${expired}`), /expired/)
    const other = await startIssuer()
    const foreign = await other.sign({}, { kid: undefined })
    await other.close()
    await assert.rejects(check(`Bearer ${foreign}`), AuthError)
  })
})

test('what is wrong with a token or a key is no outage', async () => {
  await withExternal(async ({ external, check, lines }) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    external.publish({ ...publicKey.export({ format: 'jwk' }), kid: 'short' })
    external.publish({ kty: 'EC', crv: 'P-256', x: 'not a point', y: 'at all', kid: 'broken' })
    for (const typ of [5, true, null, ['JWT'], {}]) {
      const token = await external.sign({}, { typ })
      await assert.rejects(check(`Bearer ${token}`), AuthError, `typ ${JSON.stringify(typ)}`)
    }
    // Jose does not sign with such a key.
    const [, payload] = (await external.sign()).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'short' })).toString('base64url')
    const signature = sign('sha256', Buffer.from(`${header}.${payload}`), privateKey).toString('base64url')
    await assert.rejects(check(`Bearer ${header}.${payload}.${signature}`), AuthError)
    const broken = await external.sign({}, { kid: 'broken' })
    await assert.rejects(check(`Bearer ${broken}`), AuthError)
    assert.deepEqual(lines, [])
  })
})
