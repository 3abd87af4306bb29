import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { DatabaseServer } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { newOperator } from '../../testing/operator.ts'
import { queryDatabase, type Row, type Value } from '../../testing/query.ts'
import type { Target } from '../../testing/target.ts'
import { getToken, type Init, newDataDir, type Served, serve, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { cookieOf, sendToConsole, tokenOf } from '../contract/console-client.ts'
import {
  createdOf,
  createTenant,
  createUser,
  listCredentials,
  newOsisUser,
} from '../contract/object-store.ts'
import { assertInvalid, type CreateOptions, create, idOf, newEmail, newUser } from '../contract/portal.ts'
import { onServer } from '../support/postgres.ts'

/** One of the processes, with its command line. */
type Node = Target & { cli<T>(...args: string[]): Promise<T> }

/** Two processes over one database, each with its own data directory, as on two machines. */
interface Pair {
  readonly targets: readonly [Node, Node]
  readonly init: Init
  /** The standard output of each process. */
  readonly printed: readonly string[]
  query(sql: string, ...values: Value[]): Promise<Row[]>
  /** Returns the single number that a query selects. */
  count(sql: string, ...values: Value[]): Promise<Value | undefined>
  end(): Promise<void>
}

/** Starts two processes at the same moment on an empty database. */
async function startPair(server: DatabaseServer): Promise<Pair> {
  const database = await server.createDatabase()
  const settings = {
    USHER_DATABASE_URL: database,
    USHER_MASTER_KEY: randomBytes(32).toString('base64'),
    USHER_PUBLIC_URL: 'https://usher.example',
  }
  const dirs = [newDataDir(), newDataDir()] as const
  const start = ({ path }: { path: string }): Promise<Served> => serve(path, { args: ['--json'], settings })
  const served = await Promise.all([start(dirs[0]), start(dirs[1])])
  await waitUntil(async () => served.some((one) => one.stdout().includes('\n}')), 20_000)
  const printed = served.map((one) => one.stdout())
  const init = JSON.parse(printed.find(Boolean) ?? '') as Init
  const end = async (): Promise<void> => {
    await Promise.all(served.map((one) => one.stop()))
    for (const { remove } of dirs) remove()
  }
  const token = await getToken(served[0].url, init.clients.administrator)
  const targetOf = (one: Served, { path: dataDir }: { path: string }): Node => {
    const cli = <T>(...args: string[]): Promise<T> => usherJson<T>(dataDir, args, settings)
    return { ...one, init, token, cli, operator: newOperator({ dataDir, url: one.url, settings }) }
  }
  const query: Pair['query'] = (sql, ...values) => queryDatabase(database, sql, ...values)
  const count: Pair['count'] = async (sql, ...values) =>
    Object.values((await query(sql, ...values))[0] ?? {})[0]
  const targets = [targetOf(served[0], dirs[0]), targetOf(served[1], dirs[1])] as const
  return { targets, init, printed, query, count, end }
}

/** Runs work 50 times at the same moment, half of it on each process. */
function race<T>(
  { targets: [one, other] }: Pair,
  work: (target: Target, i: number) => Promise<T>,
): Promise<T[]> {
  return Promise.all(Array.from({ length: 50 }, (_, i) => work(i % 2 === 0 ? one : other, i)))
}

function countStatus(responses: readonly { readonly status: number }[], status: number): number {
  return responses.filter((response) => response.status === status).length
}

await onServer('two processes over one database', (server) => {
  let pair: Pair
  before(async () => {
    pair = await startPair(server)
  })
  after(() => pair.end())

  startTests(server)
  signingKeyTest(server)
  userTests(() => pair)
  accountTests(() => pair)
  // Most of these wait for 2 s.
  describe('what the other process sees in time', { concurrency: true }, () => {
    revocationTests(() => pair)
    leaseTests(() => pair)
  })

  test('in the end the audit log is whole, and everything in it sealed', async () => {
    const [one] = pair.targets
    const verify = (): Promise<{ whole: boolean; unsealed: number }> => one.cli('audit', 'verify')
    await waitUntil(async () => (await verify()).unsealed === 0, 10_000)
    assert.equal((await verify()).whole, true)
  })
})

function signingKeyTest(server: DatabaseServer): void {
  test('a signing key that was replaced at once is refused by every process, and the new one is accepted', async (t) => {
    const pair = await startPair(server)
    t.after(() => pair.end())
    const [one, other] = pair.targets
    const status = async (target: Target, token: string): Promise<number> =>
      (await create(target, newUser(), { token })).status
    for (const target of pair.targets) assert.equal(await status(target, one.token), 201)
    await one.cli('key', 'rotate-signing', '--now')
    const isRefused = async (): Promise<boolean> => {
      const statuses = await Promise.all(pair.targets.map((target) => status(target, one.token)))
      return statuses.every((found) => found === 401)
    }
    assert.ok((await waitUntil(isRefused, 10_000)) < 5_000)
    for (const [issuing, using] of [[one, other] as const, [other, one] as const]) {
      const token = await getToken(issuing.url, pair.init.clients.administrator)
      assert.equal(await status(using, token), 201)
    }
  })
}

function startTests(server: DatabaseServer): void {
  for (let round = 1; round <= rounds(1, 5); round++) {
    test(`of two first starts at the same moment one sets up, and both serve (${round})`, async (t) => {
      const pair = await startPair(server)
      t.after(() => pair.end())
      assert.equal(pair.printed.filter(Boolean).length, 1)
      assert.equal(await pair.count("SELECT count(*) FROM organizations WHERE kind = 'provider'"), 1)
      assert.equal(await pair.count('SELECT count(*) FROM signing_keys'), 1)
      for (const issuing of pair.targets) {
        const token = await getToken(issuing.url, pair.init.clients.administrator)
        for (const target of pair.targets) {
          assert.equal((await fetch(`${target.url}/readyz`)).status, 200)
          idOf(await create(target, newUser(), { token }))
        }
      }
    })
  }
}

function userTests(getPair: () => Pair): void {
  /** Returns what the store holds about the user with an e-mail address. */
  const keptOf = async (
    pair: Pair,
    email: unknown,
  ): Promise<{ users: number; outcomes: Record<string, number> }> => {
    const users = await pair.query('SELECT id FROM users WHERE email_key = ?', String(email))
    const entries = await pair.query(
      'SELECT outcome FROM audit_entries WHERE target = ?',
      users[0]?.id ?? null,
    )
    const outcomes = Object.groupBy(entries, ({ outcome }) => String(outcome))
    const counts = Object.entries(outcomes).map(([outcome, of]) => [outcome, of?.length ?? 0] as const)
    return { users: users.length, outcomes: Object.fromEntries(counts) }
  }

  test('50 equal creates at once make one user: one 201, 49 times 200, one id', async () => {
    const pair = getPair()
    const user = newUser({ groups: [{ id: pair.init.groups.Viewer }] })
    const responses = await race(pair, (target) => create(target, user))
    assert.deepEqual([countStatus(responses, 201), countStatus(responses, 200)], [1, 49])
    assert.equal(new Set(responses.map((response) => response.text)).size, 1)
    assert.deepEqual(await keptOf(pair, user.email), { users: 1, outcomes: { created: 1, repeated: 49 } })
  })

  test('50 creates at once with one Idempotency-Key all get the first response', async () => {
    const pair = getPair()
    const user = newUser()
    const headers = { 'idempotency-key': randomUUID() }
    const responses = await race(pair, (target) => create(target, user, { headers }))
    assert.equal(countStatus(responses, 201), 50)
    assert.equal(new Set(responses.map((response) => response.text)).size, 1)
    assert.deepEqual(await keptOf(pair, user.email), { users: 1, outcomes: { created: 1, replayed: 49 } })
  })

  test('50 creates at once with one e-mail that differ leave one user, and the others are told so', async () => {
    const pair = getPair()
    const email = newEmail()
    const responses = await race(pair, (target, i) =>
      create(target, newUser({ email, firstName: `Ada ${i}` })),
    )
    assert.equal(countStatus(responses, 201), 1)
    for (const response of responses)
      if (response.status !== 201) assertInvalid(response, ['email'], 'Conflict')
    assert.deepEqual(await keptOf(pair, email), { users: 1, outcomes: { created: 1 } })
  })

  test('50 creates at once with one id leave one user, and the others are told so', async () => {
    const pair = getPair()
    const id = randomUUID()
    const responses = await race(pair, (target) => create(target, newUser({ id })))
    assert.equal(countStatus(responses, 201), 1)
    for (const response of responses) if (response.status !== 201) assertInvalid(response, ['id'], 'Conflict')
    assert.equal(await pair.count('SELECT count(*) FROM users WHERE id = ?', id), 1)
  })

  test('50 creates at once bring a removed user back once', async () => {
    const pair = getPair()
    const [one] = pair.targets
    const user = newUser()
    const id = idOf(await create(one, user))
    await one.operator.removeUser(id)
    const responses = await race(pair, (target) => create(target, user))
    for (const response of responses) assert.equal(idOf(response, 200), id)
    const restored = "SELECT count(*) FROM audit_entries WHERE outcome = 'restored' AND target = ?"
    assert.equal(await pair.count(restored, id), 1)
  })
}

function accountTests(getPair: () => Pair): void {
  test('50 creates of one Cloud Director user at once leave one user, one account and one credential', async () => {
    const pair = getPair()
    const [one] = pair.targets
    const org = randomUUID()
    const tenants = await race(pair, (target) => createTenant(target, { name: 'Acme', cd_tenant_ids: [org] }))
    const { tenant_id } = createdOf<{ tenant_id: string }>(tenants[0] ?? assert.fail())
    assert.equal(new Set(tenants.map((response) => response.text)).size, 1)
    const body = newOsisUser({ cd_tenant_id: org })
    const responses = await race(pair, (target) => createUser(target, tenant_id, body))
    assert.equal(
      countStatus(responses, 201),
      50,
      JSON.stringify(responses.find(({ status }) => status !== 201)?.text),
    )
    assert.equal(new Set(responses.map((response) => response.text)).size, 1)
    const { user_id } = createdOf<{ user_id: string }>(responses[0] ?? assert.fail())
    assert.equal((await listCredentials(one, { tenant_id, user_id })).page_info.total, 1)
    const id = String(body.cd_user_id)
    assert.equal(await pair.count('SELECT count(*) FROM accounts WHERE org_user_id = ?', id), 1)
    const credentials =
      'SELECT count(*) FROM credentials JOIN accounts ON accounts.pk = account_pk WHERE org_user_id = ?'
    assert.equal(await pair.count(credentials, id), 1)
    const created = "SELECT count(*) FROM audit_entries WHERE outcome = 'created' AND target = ?"
    assert.equal(await pair.count(created, user_id), 1)
  })
}

/** Repeats a call on both processes until both return the status. Returns how long the later one took, in milliseconds. */
async function timeUntil(
  pair: Pair,
  status: number,
  call: (target: Target) => Promise<{ status: number }>,
): Promise<number> {
  const took = pair.targets.map((target) =>
    waitUntil(async () => (await call(target)).status === status, 10_000),
  )
  return Math.max(...(await Promise.all(took)))
}

function revocationTests(getPair: () => Pair): void {
  test('a client that was removed at the command line is refused by both within 5 s', async () => {
    const pair = getPair()
    const [one, other] = pair.targets
    const client = await one.operator.addClient({
      organization: pair.init.provider.id,
      permission: 'administrator',
    })
    const token = await getToken(other.url, client)
    for (const target of pair.targets) idOf(await create(target, newUser(), { token }))
    await one.operator.removeClient(client.client_id)
    assert.ok((await timeUntil(pair, 401, (target) => create(target, newUser(), { token }))) < 5_000)
  })

  test('a portal that was removed at the command line is refused by both within 5 s', async () => {
    const pair = getPair()
    const [one] = pair.targets
    const portal = 'removed.example'
    const customer = await one.operator.addCustomer(await one.operator.addReseller(portal))
    const options: CreateOptions = { customer, headers: { 'x-tenant': portal } }
    for (const target of pair.targets) idOf(await create(target, newUser(), options))
    await one.cli('portal', 'remove', portal)
    assert.ok((await timeUntil(pair, 403, (target) => create(target, newUser(), options))) < 5_000)
  })

  test('a person who is suspended, or loses their role, is so for the console of both within 5 s', async () => {
    const pair = getPair()
    const [one, other] = pair.targets
    const headers = { host: 'usher.example' }
    const take: Record<string, (id: string) => Promise<unknown>> = {
      suspended: (id) => one.cli('user', 'suspend', id),
      removed: (id) => one.operator.removeUser(id),
      ended: (id) => one.cli('console', 'end', '--user', `${id}`),
    }
    const enter = async (group: string): Promise<{ id: string; cookie: string }> => {
      const email = newEmail()
      const words = ['--organization', pair.init.provider.id, '--email', email, '--group', group]
      const names = ['--first-name', 'Grace', '--last-name', 'Hopper']
      const { id } = await one.cli<{ id: string }>('user', 'add', ...words, ...names)
      const { link } = await one.cli<{ link: string }>('console', 'link', '--user', email)
      const body = { token: tokenOf(link) }
      const response = await sendToConsole(one.url, 'POST', '/enter', { body, headers })
      assert.equal(response.status, 200, response.text)
      return { id, cookie: cookieOf(response) }
    }
    const call = (target: Target, cookie: string, method = 'GET', path = '/me') =>
      sendToConsole(target.url, method, path, { headers: { ...headers, cookie } })
    await Promise.all(
      Object.entries(take).map(async ([what, away]) => {
        const { id, cookie } = await enter('Administrator')
        for (const target of pair.targets) assert.equal((await call(target, cookie)).status, 200)
        await away(id)
        assert.ok((await timeUntil(pair, 401, (target) => call(target, cookie))) < 5_000, what)
      }),
    )
    const { id, cookie } = await enter('Administrator')
    const makeLink = (target: Target) => call(target, cookie, 'POST', `/people/${id}/link`)
    for (const target of pair.targets) assert.equal((await makeLink(target)).status, 201)
    const { Viewer: group } = pair.init.groups
    await other.cli('user', 'change', id, '--group', group)
    assert.ok((await timeUntil(pair, 403, makeLink)) < 5_000)
    for (const target of pair.targets) assert.equal((await call(target, cookie)).status, 200)
  })

  test('a user who was removed at the command line is gone for both', async () => {
    const pair = getPair()
    const [one, other] = pair.targets
    const customer = await one.operator.addCustomer()
    const user = newUser()
    const id = idOf(await create(one, user, { customer }))
    assert.equal(idOf(await create(other, user, { customer }), 200), id)
    await other.operator.removeUser(id)
    assert.deepEqual(await one.operator.listUsers(customer), [])
  })
}

function leaseTests(getPair: () => Pair): void {
  /** Creates an account, and gives it the state that a process leaves that dies while it applies the account. */
  const addLeased = async (
    pair: Pair,
    ms: number,
  ): Promise<{ again: () => Promise<void>; id: string; until: number }> => {
    const [one, other] = pair.targets
    const org = randomUUID()
    const tenant = await createTenant(one, { name: 'Acme', cd_tenant_ids: [org] })
    const { tenant_id } = createdOf<{ tenant_id: string }>(tenant)
    const body = newOsisUser({ cd_tenant_id: org })
    const { text } = await createUser(one, tenant_id, body)
    const { user_id: id } = JSON.parse(text) as { user_id: string }
    await waitUntil(async () => (await stateOf(pair, id))?.applied_version === 1, 10_000)
    const until = Date.now() + ms
    const leased = `UPDATE accounts SET applied_version = 0, attempts = 1, leased_until = ?
      WHERE user_pk = (SELECT pk FROM users WHERE id = ?)`
    await pair.query(leased, new Date(until).toISOString(), id)
    const again = async (): Promise<void> => {
      const response = await createUser(other, tenant_id, body)
      assert.deepEqual([response.status, response.text], [201, text])
    }
    return { again, id, until }
  }
  const stateOf = async (pair: Pair, id: string): Promise<Row | undefined> => {
    const select = `SELECT applied_version, attempts, leased_until FROM accounts
      WHERE user_pk = (SELECT pk FROM users WHERE id = ?)`
    return (await pair.query(select, id))[0]
  }
  const APPLIED = { applied_version: 1, attempts: 0, leased_until: null }

  test('an account that a dead process has leased is finished for a repeated create, after the lease', async () => {
    const pair = getPair()
    const { again, id, until } = await addLeased(pair, 2_000)
    await again()
    assert.ok(Date.now() >= until, 'the lease of another process was not respected')
    assert.deepEqual(await stateOf(pair, id), APPLIED)
  })

  test('an account that a dead process has leased is finished in the background', async () => {
    const pair = getPair()
    const { id } = await addLeased(pair, -1_000)
    await waitUntil(async () => (await stateOf(pair, id))?.applied_version === 1, 10_000)
    assert.deepEqual(await stateOf(pair, id), APPLIED)
  })
}
