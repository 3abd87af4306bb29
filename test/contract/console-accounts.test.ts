import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { type Rgw, startRgw } from '../../testing/rgw.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { waitUntil } from '../../testing/wait.ts'
import { type ConsoleClient, enterByLink, enterFirst, type Problem } from './console-client.ts'
import { createdOf, createUser, newOsisUser, type OsisUser } from './object-store.ts'

let rgw: Rgw
let target: StartedTarget
let grace: ConsoleClient
let viewer: ConsoleClient
let reseller: ConsoleClient
let tenantId: string

before(async () => {
  rgw = await startRgw()
  target = await startTarget(rgw.settings)
  grace = await enterFirst(target)
  viewer = await enter(target.init.provider.id, 'viewer@example.com', 'Viewer')
  reseller = await enter(target.init.reseller.id, 'reseller@example.com', 'Administrator')
  const customer = await target.operator.addCustomer(target.init.reseller.id)
  tenantId = (await target.operator.createTenant({ customer, orgs: ['console'] })).id
})
after(async () => {
  await target.end()
  rgw.close()
})

/** Adds a person who may enter, and signs them in by a link. */
async function enter(organization: string, email: string, group: string): Promise<ConsoleClient> {
  const { id } = await target.cli<{ id: string }>(
    ...['user', 'add', '--organization', organization, '--email', email, '--group', group],
  )
  const { link } = await grace.call<{ link: string }>('POST', `/people/${id}/link`)
  return enterByLink(target.url, link, { firstName: 'A', lastName: 'Person', email })
}

interface Account {
  readonly state: string
  readonly platformState: string
  readonly cause: { readonly code: string; readonly status: number | null } | null
  readonly error: string | null
}

interface Item {
  readonly entry?: { readonly operation: string; readonly outcome: string; readonly caller: { name: string } }
  readonly attempts?: {
    readonly outcome: string
    readonly error: string | null
    readonly correlationId: string
  }
}

interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

async function addUser(): Promise<string> {
  return createdOf<OsisUser>(await createUser(target, tenantId, newOsisUser({ cd_tenant_id: 'console' })))
    .user_id
}

const accountOf = async (id: string): Promise<Account | undefined> =>
  (await grace.call<{ accounts: Account[] }>('GET', `/users/${id}/account`)).accounts[0]

/** The status and the code of a refused call. */
async function refusal(client: ConsoleClient, method: string, path: string, body?: object) {
  const response = await client.send(method, path, body)
  return [response.status, jsonOf<Problem>(response).code]
}

test('a person of the provider sees an account, suspends, resumes, compares and mends it', async () => {
  const id = await addUser()
  await waitUntil(async () => (await accountOf(id))?.platformState === 'applied', 5_000)
  const path = `/users/${id}/account`
  assert.equal((await grace.call<Account>('POST', `${path}/suspend`)).state, 'suspended')
  assert.equal((await grace.call<Account>('POST', `${path}/resume`)).state, 'active')
  assert.partialDeepStrictEqual(await grace.call('POST', `${path}/compare`), { state: 'same', mended: false })
  const held = [...rgw.users.values()].find(({ user_id }) => user_id.endsWith(id)) ?? assert.fail()
  held.suspended = 1
  assert.partialDeepStrictEqual(await grace.call('POST', `${path}/compare`), {
    state: 'differs',
    drift: [{ kind: 'suspended', accessKey: null }],
    mended: false,
  })
  assert.partialDeepStrictEqual(await grace.call('POST', `${path}/mend`), { state: 'differs', mended: true })
  assert.partialDeepStrictEqual(await grace.call('GET', `${path}/usage`), {
    usage: { bucketCount: 0, usedBytes: 0 },
    buckets: [],
  })
})

interface Key {
  readonly accessKey: string
  readonly secretKey?: string
  readonly active: boolean
}

test('a key shows its secret once, is disabled by its access key alone, and is deleted', async () => {
  const id = await addUser()
  const response = await grace.send('POST', `/users/${id}/keys`)
  assert.equal(response.status, 201)
  assert.equal(response.headers['cache-control'], 'no-store')
  const { accessKey, secretKey } = jsonOf<Key>(response)
  assert.match(secretKey ?? '', /^\w{40}$/)
  const { keys } = await grace.call<{ keys: Key[] }>('GET', `/users/${id}/account`)
  assert.ok(keys.some((key) => key.accessKey === accessKey && !('secretKey' in key)))
  const changed = await grace.call<Key>('PATCH', `/keys/${accessKey}`, { active: false })
  assert.deepEqual([changed.accessKey, changed.active], [accessKey, false])
  await grace.call('DELETE', `/keys/${accessKey}`)
  const absent = [404, 'credential_not_found']
  for (const key of [accessKey, 'NOSUCHKEY0000000000A', '..'])
    assert.deepEqual((await refusal(grace, 'PATCH', `/keys/${key}`, { active: true }))[0], 404, key)
  assert.deepEqual(await refusal(grace, 'PATCH', '/keys/%00', { active: true }), [400, 'invalid'])
  assert.deepEqual(await refusal(grace, 'PATCH', '/keys/NOSUCHKEY0000000000A', { active: true }), absent)
  // A key of a user in another context looks like one that does not exist.
  const other = await grace.call<Key>('POST', `/users/${id}/keys`)
  const stranger = await target.operator.addReseller('stranger.example')
  const outsider = await enter(stranger, 'outsider@example.com', 'Administrator')
  assert.deepEqual(await refusal(outsider, 'DELETE', `/keys/${other.accessKey}`), absent)
  assert.deepEqual(await refusal(outsider, 'GET', `/users/${id}/account`), [404, 'user_not_found'])
  for (const [method, rest] of [
    ['GET', 'timeline'],
    ['GET', 'receipt'],
    ['GET', 'account/usage'],
    ['POST', 'account/retry'],
    ['POST', 'account/compare'],
    ['POST', 'account/mend'],
    ['POST', 'account/suspend'],
    ['POST', 'keys'],
  ] as const)
    assert.deepEqual(await refusal(outsider, method, `/users/${id}/${rest}`), [404, 'user_not_found'], rest)
})

test('a failing account is listed with its cause, retried, and its removal has a timeline and a receipt', async () => {
  const id = await addUser()
  await waitUntil(async () => (await accountOf(id))?.platformState === 'applied', 5_000)
  assert.deepEqual(await refusal(grace, 'GET', `/users/${id}/receipt`), [409, 'user_not_deleted'])
  rgw.refuse('DELETE /admin/user')
  await target.cli('user', 'remove', id)
  await waitUntil(async () => (await accountOf(id))?.cause !== null, 10_000)
  const account = await accountOf(id)
  assert.partialDeepStrictEqual(account?.cause, { code: 'refused', status: 400 })
  assert.match(account?.error ?? '', /InvalidArgument/)
  assert.partialDeepStrictEqual(await grace.call('GET', '/platform/causes'), {
    failing: 1,
    causes: [{ cause: { code: 'refused' }, count: 1 }],
  })
  const listed = await grace.call<Page<{ user: { id: string }; state: string; isRemoval: boolean }>>(
    ...(['GET', '/platform/unapplied?cause=refused&state=failing'] as const),
  )
  assert.deepEqual(
    listed.items.map(({ user, state, isRemoval }) => [user.id, state, isRemoval]),
    [[id, 'failing', true]],
  )
  rgw.refuse(undefined)
  assert.deepEqual(await viewer.call('GET', '/platform/unapplied?state=parked'), { items: [], next: null })
  const retried = await grace.call(
    'POST',
    '/platform/retry',
    { cause: 'refused' },
    { 'idempotency-key': 'k1' },
  )
  assert.deepEqual(retried, { retried: 1 })
  interface Receipt {
    readonly accounts: readonly { state: string; goneAt: string | null; removedKeys: number }[]
    readonly block: { number: number } | null
    readonly entry: { operation: string; caller: { kind: string } }
  }
  const receiptOf = () => grace.call<Receipt>('GET', `/users/${id}/receipt`)
  await waitUntil(async () => (await receiptOf()).accounts[0]?.goneAt !== null, 5_000)
  const receipt = await receiptOf()
  assert.partialDeepStrictEqual(receipt, {
    accounts: [{ state: 'removed', removedKeys: 1 }],
    entry: { operation: 'DeleteUser', caller: { kind: 'operator' } },
  })
  assert.ok((receipt.block?.number ?? 0) > 0)
  const words: string[] = []
  let after = ''
  do {
    const page = await viewer.call<Page<Item>>('GET', `/users/${id}/timeline?limit=1${after}`)
    for (const { entry, attempts } of page.items)
      words.push(entry ? `${entry.operation} ${entry.outcome}` : `attempts ${attempts?.outcome}`)
    after = page.next === null ? '' : `&after=${page.next}`
  } while (after !== '')
  assert.deepEqual(words, [
    'attempts applied',
    'attempts failed',
    'DeleteUser deleted',
    'CreateAccount created',
  ])
  const [failed] = (await reseller.call<Page<Item>>('GET', `/users/${id}/timeline?show=platform`)).items
  assert.equal(failed?.attempts?.error, null)
})

test('viewers change nothing, and resellers do not see the platform', async () => {
  const id = await addUser()
  const forbidden = [403, 'not_permitted']
  for (const path of ['suspend', 'resume', 'retry', 'compare', 'mend'])
    assert.deepEqual(await refusal(viewer, 'POST', `/users/${id}/account/${path}`), forbidden, path)
  assert.deepEqual(await refusal(viewer, 'POST', `/users/${id}/keys`), forbidden)
  assert.deepEqual(await refusal(viewer, 'POST', '/platform/retry', {}), forbidden)
  for (const [method, path, body] of [
    ['GET', '/platform/causes', undefined],
    ['GET', '/platform/unapplied', undefined],
    ['POST', '/platform/retry', {}],
  ] as const)
    assert.deepEqual(await refusal(reseller, method, path, body), forbidden, path)
  assert.equal((await reseller.call<Account>('POST', `/users/${id}/account/suspend`)).state, 'suspended')
})

test('what a platform says when an account cannot be mended is for people of the provider', async () => {
  const mend = async (client: ConsoleClient): Promise<{ mended: boolean; error: string | null }> => {
    const id = await addUser()
    await waitUntil(async () => (await accountOf(id))?.platformState === 'applied', 5_000)
    const held = [...rgw.users.values()].find(({ user_id }) => user_id.endsWith(id)) ?? assert.fail()
    held.suspended = 1
    rgw.refuse('PUT /admin/metadata/user')
    const found = await client.call<{ mended: boolean; error: string | null }>(
      'POST',
      `/users/${id}/account/mend`,
    )
    rgw.refuse(undefined)
    return found
  }
  const [seen, hidden] = [await mend(grace), await mend(reseller)]
  assert.match(seen.error ?? '', /InvalidArgument/)
  assert.partialDeepStrictEqual(hidden, { state: 'differs', mended: false, error: null })
})

test('wrong filters and cursors are refused by their names', async () => {
  const id = await addUser()
  for (const [path, name] of [
    ['/platform/unapplied?cause=Bad%20luck', 'cause'],
    ['/platform/unapplied?state=lost', 'state'],
    ['/platform/unapplied?after=x', 'after'],
    [`/users/${id}/timeline?after=x`, 'after'],
    [`/users/${id}/timeline?show=everything`, 'show'],
    [`/users/${id}/timeline?limit=201`, 'limit'],
  ] as const) {
    const response = await grace.send('GET', path)
    assert.equal(response.status, 400, path)
    assert.deepEqual(
      jsonOf<Problem>(response).errors.map(({ propertyName }) => propertyName),
      [name],
      path,
    )
  }
  assert.deepEqual(await refusal(grace, 'GET', '/platform/unapplied?tenant=none'), [404, 'tenant_not_found'])
})
