import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { jsonOf, send } from '../../testing/http.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { getToken, runUsher } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { logIn, osis } from '../contract/object-store.ts'
import { create, newUser } from '../contract/portal.ts'
import { queryStore } from '../support/stored.ts'

interface KeyRow {
  readonly kid: string
  readonly state: string
  readonly signsAt: string
  readonly expiresAt: string | null
}

interface Rotated {
  readonly key: string
  readonly keys: readonly KeyRow[]
  readonly endingRefreshTokens: readonly string[]
}

const listKeys = (on: StartedTarget): Promise<KeyRow[]> => on.cli<KeyRow[]>('key', 'list')
const kidOf = (token: string): string => String(decodeProtectedHeader(token).kid)

async function publishedKids({ url }: StartedTarget): Promise<string[]> {
  const response = await send(url, { method: 'GET', path: '/oauth2/v2.0/keys' })
  return jsonOf<{ keys: { kid: string }[] }>(response).keys.map((key) => key.kid)
}

async function portalStatus(on: StartedTarget, token: string): Promise<number> {
  return (await create(on, newUser(), { token })).status
}

async function osisStatus(on: StartedTarget, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await osis(on, { path: '/api/v1/tenants', headers })).status
}

async function refresh(on: StartedTarget, token: string): Promise<{ status: number; access: string }> {
  const body = { refresh_token: token }
  const headers = { authorization: undefined }
  const response = await osis(on, { method: 'POST', path: '/api/v1/auth/token', body, headers })
  return { status: response.status, access: jsonOf<{ access_token: string }>(response).access_token }
}

async function becomes401(what: string, status: () => Promise<number>): Promise<void> {
  assert.ok((await waitUntil(async () => (await status()) === 401, 10_000)) < 5_000, `${what} still works`)
}

/** Rotations of the signing key on a running server. */
export function signingKeysSuite(): void {
  test('a rotation publishes the new key before it signs, and no token stops working', async (t) => {
    const on = await startTarget()
    t.after(() => on.end())
    const tokens = await logIn(on)
    const [old] = await listKeys(on)
    assert.deepEqual([old?.state, old?.expiresAt], ['signing', null])
    const { key, keys } = await on.cli<Rotated>('key', 'rotate-signing')
    assert.deepEqual(
      keys.map(({ kid, state }) => [kid, state]),
      [
        [key, 'next'],
        [old?.kid, 'signing'],
      ],
    )
    const [next, ending] = keys
    const life = Date.parse(ending?.expiresAt ?? '') - Date.parse(next?.signsAt ?? '')
    assert.ok(life >= 3_599_000 && life < 3_700_000, `the old key is kept for ${life} ms`)
    await waitUntil(async () => (await publishedKids(on)).includes(key), 5_000)
    assert.equal(kidOf(await getToken(on.url, on.init.clients.administrator)), old?.kid)
    await waitUntil(async () => kidOf(await getToken(on.url, on.init.clients.administrator)) === key, 20_000)
    assert.deepEqual(
      (await listKeys(on)).map((one) => one.state),
      ['signing', 'retired'],
    )
    assert.equal(await portalStatus(on, on.token), 201)
    assert.equal(await osisStatus(on, tokens.access), 200)
    const again = await refresh(on, tokens.refresh)
    assert.deepEqual([again.status, kidOf(again.access)], [200, key])
  })

  test('--now ends every access token and forgery of the old key, and no genuine refresh token', async (t) => {
    const on = await startTarget()
    t.after(() => on.end())
    const tokens = await logIn(on)
    const forged = {
      portal: await on.operator.signAgain(on.token, 10 * 365 * 86_400),
      access: await on.operator.signAgain(tokens.access, 10 * 365 * 86_400),
    }
    // The server has verified and cached them.
    for (const token of [on.token, forged.portal]) assert.equal(await portalStatus(on, token), 201)
    for (const token of [tokens.access, forged.access]) assert.equal(await osisStatus(on, token), 200)
    const old = kidOf(on.token)
    const { key, keys, endingRefreshTokens } = await on.cli<Rotated>('key', 'rotate-signing', '--now')
    assert.deepEqual(
      [keys.map(({ kid, state }) => [kid, state]), endingRefreshTokens],
      [[[key, 'signing']], []],
    )
    for (const token of [on.token, forged.portal])
      await becomes401('a portal token', () => portalStatus(on, token))
    for (const token of [tokens.access, forged.access])
      await becomes401('an OSIS token', () => osisStatus(on, token))
    assert.deepEqual(await publishedKids(on), [key])
    const again = await refresh(on, tokens.refresh)
    assert.equal(again.status, 200)
    assert.equal(await osisStatus(on, again.access), 200)
    const fresh = await getToken(on.url, on.init.clients.administrator)
    assert.notEqual(kidOf(fresh), old)
    assert.equal(await portalStatus(on, fresh), 201)
    const [entry] = await on.cli<{ caller: string; outcome: string; target: string }[]>(
      ...['audit', 'list', '--operation', 'RotateSigningKey'],
    )
    assert.deepEqual([entry?.caller, entry?.outcome, entry?.target], ['operator', 'replaced', key])
  })

  test('refresh tokens of 0.1 work while their key is published, and for good once they were used', async (t) => {
    const on = await startTarget()
    t.after(() => on.end())
    const [used, unused] = [await logIn(on), await logIn(on)]
    // Rows of 0.1 have no hash.
    await queryStore(on.dataDir, 'UPDATE refresh_tokens SET token_hash = NULL')
    assert.equal((await refresh(on, used.refresh)).status, 200)
    const forged = await on.operator.signAgain(used.refresh, 60)
    assert.equal((await refresh(on, forged)).status, 401)
    const old = kidOf(on.token)
    const human = await runUsher(on.dataDir, ['key', 'rotate-signing', '--now'])
    const listed = await on.cli<{ id: string; recorded: boolean }[]>('token', 'list')
    const ending = listed.filter((one) => !one.recorded).map((one) => one.id)
    assert.equal(ending.length, 1)
    assert.match(human.stdout, new RegExp(`0\\.1 issued these refresh tokens[^\\n]*\\n${ending[0]}\\n$`))
    // Until the server has read the keys again, a use would record the token.
    await waitUntil(async () => !(await publishedKids(on)).includes(old), 5_000)
    assert.equal((await refresh(on, unused.refresh)).status, 401)
    assert.equal((await refresh(on, used.refresh)).status, 200)
  })
}
