import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { engine, useEmptyStore } from '../../testing/environment.ts'
import { type Ended, type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
let init: Init

before(async () => {
  init = await initialise(path)
})
after(remove)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const json = <T>(...args: string[]): Promise<T> => usherJson<T>(path, args)

/** Returns the output of a command that must succeed, with nothing on standard error. */
async function text(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runUsher(path, args)
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
}

/** Runs a command that must be refused: exit code 1, no standard output, and one plain line on standard error. */
async function refused(message: RegExp, ...args: string[]): Promise<Ended> {
  const ended = await runUsher(path, args)
  assert.deepEqual([ended.code, ended.stdout], [1, ''])
  assert.match(ended.stderr, /^usher: [^\n]+\n$/)
  assert.match(ended.stderr, message)
  return ended
}

interface Organization {
  readonly id: string
  readonly kind: string
  readonly name: string
}

interface Tenant {
  readonly id: string
  readonly platform: string
  readonly accounts: string
}

test('a customer can be related to a reseller later, and repeatedly', async () => {
  const reseller = (await text('organization', 'add', '--kind', 'reseller', '--name', 'Late')).trim()
  const { customer } = init
  for (let i = 0; i < 2; i++) {
    const words = ['organization', 'relate', customer.id, '--reseller', reseller]
    assert.deepEqual(await json(...words), { customer: customer.id, reseller })
  }
  await refused(/no reseller/, 'organization', 'relate', customer.id, '--reseller', customer.id)
})

test('organizations are added, listed and removed', async () => {
  const reseller = await json<Organization>('organization', 'add', '--kind', 'reseller', '--name', 'Resell')
  assert.match(reseller.id, UUID)
  assert.deepEqual(reseller, { id: reseller.id, kind: 'reseller', name: 'Resell' })
  const words = [
    '--kind',
    'customer',
    '--name',
    'Buy',
    '--reseller',
    reseller.id,
    '--reseller',
    init.reseller.id,
  ]
  const id = (await text('organization', 'add', ...words)).trim()
  assert.match(id, UUID)
  const customers = await json<Organization[]>('organization', 'list', '--kind', 'customer')
  assert.deepEqual(
    customers.map((one) => one.id),
    [init.customer.id, id],
  )
  const listed = await text('organization', 'list')
  assert.match(listed, /^ID +KIND +NAME\n/)
  assert.match(listed, new RegExp(`${id} +customer +Buy`))
  assert.deepEqual(await json('organization', 'list', '--limit', '1').then((list) => (list as []).length), 1)
  assert.deepEqual(await json('organization', 'remove', id), { removed: id })
  assert.equal(await text('organization', 'remove', reseller.id), `Removed ${reseller.id}.\n`)
  await refused(/no organization/, 'organization', 'remove', id)
})

test('an organization with users, and the provider, cannot be removed', async () => {
  const { id } = await json<Organization>('organization', 'add', '--kind', 'customer', '--name', 'Full')
  await json('user', 'add', '--organization', id, '--email', 'a@example.com')
  await refused(/has had users or clients/, 'organization', 'remove', id, '--json')
  await refused(/still has/, 'organization', 'remove', init.provider.id)
})

test('portals are added, listed and removed', async () => {
  const organization = init.reseller.id
  const added = await json('portal', 'add', 'Shop.Example', '--organization', organization)
  assert.deepEqual(added, { domain: 'shop.example', organization })
  assert.equal(await text('portal', 'add', 'b.example', '--organization', organization), 'b.example\n')
  const listed = await json<object[]>('portal', 'list')
  assert.deepEqual(listed.slice(0, 2), [
    { domain: 'localhost', organization: init.provider.id },
    { domain: 'shop.example', organization },
  ])
  assert.match(await text('portal', 'list'), /^DOMAIN +ORGANIZATION +NAME\nlocalhost /)
  await refused(/is a portal already/, 'portal', 'add', 'SHOP.EXAMPLE', '--organization', organization)
  assert.equal(await text('portal', 'remove', 'b.example'), 'Removed b.example.\n')
  assert.deepEqual(await json('portal', 'remove', 'shop.example'), { removed: 'shop.example' })
  await refused(/no portal/, 'portal', 'remove', 'shop.example')
})

interface Issued {
  readonly client_id: string
  readonly client_secret?: string
}

test('clients are added, listed and removed, and a secret is shown once', async () => {
  const words = ['--organization', init.customer.id, '--permission', 'viewer', '--name', 'Portal']
  const issued = await json<Issued>('client', 'add', ...words)
  assert.deepEqual(Object.keys(issued), ['client_id', 'client_secret'])
  const shown = await text('client', 'add', ...words)
  assert.match(shown, /^CLIENT_ID=[0-9a-f-]{36}\nCLIENT_SECRET=[A-Za-z0-9_-]{43}\n$/)
  const secrets = [issued.client_secret ?? '', /SECRET=(.*)/.exec(shown)?.[1] ?? '']
  const later = [await text('client', 'list'), JSON.stringify(await json('client', 'list'))]
  later.push(await text('audit', 'list'), JSON.stringify(await json('audit', 'list')))
  for (const secret of secrets) {
    assert.equal(secret.length, 43)
    for (const output of later) assert.ok(!output.includes(secret))
  }
  assert.match(later[0] ?? '', /^CLIENT +PERMISSION +ORGANIZATION +LAST CALL +NAME\n/)
  const clients = await json<(Issued & { permission: string })[]>('client', 'list')
  const found = clients.find((one) => one.client_id === issued.client_id)
  assert.deepEqual(Object.keys(found ?? {}), [
    ...['client_id', 'name', 'permission', 'organization', 'issuer', 'externalId'],
    ...['createdAt', 'secretCreatedAt', 'oldSecretValidUntil', 'lastUsedAt'],
  ])
  assert.deepEqual(await json('client', 'show', issued.client_id), found)
  assert.match(await text('client', 'show', issued.client_id), /^Permission: +viewer$/m)
  assert.equal((await json<unknown[]>('client', 'list', '--organization', init.customer.id)).length, 2)
  assert.deepEqual(await json('client', 'remove', issued.client_id), { removed: issued.client_id })
  await refused(/no client/, 'client', 'remove', issued.client_id)
})

test('the secret of a client is rotated, with an overlap or without', async () => {
  const words = ['--organization', init.customer.id, '--permission', 'viewer', '--name', 'Portal']
  const { client_id: id, client_secret: first } = await json<Issued>('client', 'add', ...words)
  const rotate = (...options: string[]) =>
    json<Issued & { oldSecretValidUntil: string | null }>('client', 'rotate', id, ...options)
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const rotated = await rotate('--until', until)
  assert.deepEqual([rotated.client_id, rotated.oldSecretValidUntil], [id, until])
  assert.match(rotated.client_secret ?? '', /^[A-Za-z0-9]{43}$/)
  const shown = await json<{ oldSecretValidUntil: string }>('client', 'show', id)
  assert.equal(shown.oldSecretValidUntil, until)
  const byDefault = Date.parse((await rotate()).oldSecretValidUntil ?? '')
  assert.ok(Math.abs(Date.now() + 86_400_000 - byDefault) < 60_000)
  const last = await rotate('--now')
  assert.equal(last.oldSecretValidUntil, null)
  assert.equal(new Set([first, rotated.client_secret, last.client_secret]).size, 3)
  const printed = await text('client', 'rotate', id)
  assert.match(
    printed,
    /^CLIENT_ID=[0-9a-f-]{36}\nCLIENT_SECRET=[A-Za-z0-9]{43}\nOLD_SECRET_VALID_UNTIL=2\S+Z\n$/,
  )
  await refused(/--until must be in the future/, 'client', 'rotate', id, '--until', '2026-01-01')
  await refused(/no client/, 'client', 'rotate', init.customer.id)
  await json('client', 'remove', id)
})

test('a client of an external issuer has no secret, and its issuer must be configured', async () => {
  const words = [
    'client',
    'add',
    '--organization',
    init.customer.id,
    '--permission',
    'viewer',
    '--name',
    'App',
  ]
  const at = (issuer: string): string[] => [...words, '--issuer', issuer, '--external-id', 'app']
  const configured = 'https://login.example'
  const issuers = [configured, 'https://other.example'].map((issuer) => ({
    ...{ issuer, jwksUrl: `${issuer}/keys`, audience: 'api://usher' },
  }))
  const settings = { USHER_ISSUERS: JSON.stringify(issuers) }
  const issued = await usherJson<Issued>(path, at(configured), settings)
  assert.deepEqual(Object.keys(issued), ['client_id'])
  const again = await runUsher(path, at(configured), settings)
  assert.match(again.stderr, /Another client has the id app/)
  const blank = await runUsher(path, [...words, '--issuer', configured, '--external-id', ''], settings)
  assert.match(blank.stderr, /--external-id must not be empty/)
  for (const issuer of [`${configured}/`, 'https://LOGIN.example', 'https://x.example']) {
    const { code, stderr } = await runUsher(path, at(issuer), settings)
    assert.equal(code, 1)
    assert.match(
      stderr,
      /'[^']+' is not a configured issuer: USHER_ISSUERS has 'https:\/\/login\.example', 'https:\/\/other\./,
    )
  }
  await refused(/USHER_ISSUERS is not set; set it in this shell as for the server/, ...at(configured))
})

interface User {
  readonly id: string
  readonly email: string
  readonly groups: string[]
}

test('users are added, listed in pages and removed', async () => {
  const organization = ['--organization', init.customer.id]
  const named = ['--first-name', 'Ada', '--last-name', 'Lovelace', '--email', 'ada@example.com']
  const groups = ['--group', 'viewer', '--group', init.groups['Alert Manager']]
  const added = await json<{ id: string; created: boolean }>(
    'user',
    'add',
    ...organization,
    ...named,
    ...groups,
  )
  assert.match(added.id, UUID)
  assert.equal(added.created, true)
  const again = await json('user', 'add', ...organization, ...named, ...groups)
  assert.deepEqual(again, { id: added.id, created: false })
  const bob = (await text('user', 'add', ...organization, '--email', 'bob@example.com')).trim()
  await refused(
    /--email belongs to another user/,
    'user',
    'add',
    ...organization,
    '--email',
    'ADA@example.com',
  )
  const [ada] = await json<User[]>('user', 'list', ...organization, '--limit', '1')
  assert.deepEqual([ada?.id, ada?.groups], [added.id, ['Alert Manager', 'Viewer']])
  const next = await json<User[]>('user', 'list', ...organization, '--limit', '1', '--page', '2')
  assert.deepEqual(
    next.map((one) => one.id),
    [bob],
  )
  assert.match(
    await text('user', 'list', ...organization),
    new RegExp(
      `^ID +EMAIL +FIRST NAME +LAST NAME +GROUPS +ORGANIZATION +STATE\n${ada?.id} +ada@example.com +Ada +Lovelace +Alert Manager, Viewer +[\\w-]+ +active\n`,
    ),
  )
  assert.deepEqual(await json('user', 'remove', added.id), { removed: added.id })
  await refused(/no user/, 'user', 'remove', added.id)
  assert.deepEqual(
    (await json<User[]>('user', 'list', ...organization)).map((one) => one.id),
    [bob],
  )
})

test('a customer that does not exist is refused, with its id', async () => {
  const id = '0192f7c4-a6a8-7c3e-9d4b-5e6f7a8b9c0d'
  await refused(new RegExp(id), 'user', 'add', '--organization', id, '--email', 'a@example.com')
  await refused(new RegExp(id), 'user', 'list', '--organization', id)
})

test('audit entries are listed newest first, and can be filtered', async () => {
  const entries = await json<{ operation: string; at: string; target: string; status: string }[]>(
    'audit',
    'list',
  )
  assert.ok(entries.length > 0)
  const times = entries.map((entry) => entry.at)
  assert.deepEqual([...times].sort().reverse(), times)
  const groups = await json<typeof entries>('audit', 'list', '--operation', 'CreateTenant', '--limit', '5')
  assert.deepEqual(
    groups.map((entry) => entry.operation),
    ['CreateTenant'],
  )
  const one = groups[0]?.target ?? ''
  assert.equal((await json<typeof entries>('audit', 'list', '--target', one)).length, 1)
  assert.deepEqual(await json('audit', 'list', '--operation', 'createtenant', '--limit', '5'), groups)
  assert.deepEqual(await json('audit', 'list', '--since', '2100-01-01'), [])
  assert.deepEqual(await json('audit', 'list', '--caller', 'nobody'), [])
  assert.match(
    await text('audit', 'list', '--operation', 'CreateTenant', '--limit', '1'),
    /^NUMBER +AT +OPERATION +STATUS +OUTCOME +CALLER +ADDRESS +TARGET/,
  )
  const [newest, second] = await json<{ number: number }[]>('audit', 'list', '--limit', '2')
  assert.deepEqual(await json('audit', 'list', '--limit', '1', '--before', String(newest?.number)), [second])
})

test('the schema can be migrated repeatedly', async () => {
  assert.deepEqual(await json('migrate'), { migrated: true, sharedEmails: [] })
  assert.match(await text('migrate'), /up to date/)
})

test('an unchanged audit log verifies', async () => {
  const verdict = await json<{ whole: boolean; faults: unknown[]; head: { block: number; hash: string } }>(
    'audit',
    'verify',
  )
  assert.deepEqual([verdict.whole, verdict.faults], [true, []])
  assert.match(await text('audit', 'verify'), new RegExp(`intact: .*:${verdict.head.hash}`))
})

test('a group that does not exist is refused, with the existing ones', async () => {
  const [provider] = await usherJson<{ id: string }[]>(path, ['organization', 'list', '--limit', '1'])
  const words = ['--organization', provider?.id ?? '', '--email', 'a@example.com', '--group', 'Boss']
  const { code, stderr } = await runUsher(path, ['user', 'add', ...words])
  assert.notEqual(code, 0)
  assert.match(stderr, /Boss.*Administrator, Alert Manager, Viewer/)
})

test('an empty directory is refused, with advice', async (t) => {
  const empty = newDataDir()
  t.after(empty.remove)
  useEmptyStore(empty.path)
  const { code, stdout, stderr } = await runUsher(empty.path, ['user', 'list', '--organization', 'x'])
  assert.deepEqual([code, stdout], [1, ''])
  const missing = `there is no store at ${empty.path}/usher.db: check USHER_DATA_DIR and USHER_DATABASE_URL, and that the volume is mounted. usher init creates a store, and usher restore FILE puts a backup in place`
  const message = engine() === 'sqlite' ? missing : 'the store is empty; usher init sets it up'
  assert.equal(stderr, `usher: ${message}\n`)
  assert.deepEqual(readdirSync(empty.path), [])
})

test('a tenant says who gets an account, and everyone then has one', async () => {
  const { id: customer } = await json<Organization>(
    'organization',
    'add',
    '--kind',
    'customer',
    '--name',
    'Sto',
  )
  const made = await json<Tenant>('tenant', 'create', '--customer', customer, '--accounts', 'everyone')
  assert.deepEqual([made.accounts, made.platform], ['everyone', 'embedded'])
  assert.deepEqual(await json('tenant', 'change', made.id, '--accounts', 'named'), {
    ...{ id: made.id, name: 'Sto', customer, platform: 'embedded', accounts: 'named', job: null },
  })
  const changed = await text('tenant', 'change', made.id, '--accounts', 'everyone')
  const [, job = ''] = /^Everyone of .+\nA running .+: usher job show (\S+)\n$/.exec(changed) ?? []
  const shown = await json<{ operation: string; state: string }>('job', 'show', job)
  assert.deepEqual([shown.operation, shown.state], ['CreateAccounts', 'waiting'])
  const tenants = await json<readonly Tenant[]>('tenant', 'list')
  assert.equal(tenants.find(({ id }) => id === made.id)?.accounts, 'everyone')
  await refused(/no tenant with the id none/, 'tenant', 'change', 'none', '--accounts', 'named')
})

test('a user gets an account and keys, whose secrets are shown once; the user shows them', async () => {
  const added = ['organization', 'add', '--kind', 'customer', '--name', 'Keys']
  const { id: customer } = await json<Organization>(...added)
  const user = (await text('user', 'add', '--organization', customer, '--email', 'key@example.com')).trim()
  await refused(/give the customer a tenant first/, 'account', 'add', user)
  const tenant = (await text('tenant', 'create', '--customer', customer)).trim()
  const account = await json<{ canonicalUserId: string; created: boolean }>('account', 'add', user)
  assert.deepEqual([account.canonicalUserId, account.created], [`${tenant}$${user}`, true])
  const key = await json<{ accessKey: string; secretKey: string }>('credential', 'add', user)
  assert.match(key.secretKey, /^.{40}$/)
  const list = () => json<{ accessKey: string; active: boolean }[]>('credential', 'list', user)
  assert.deepEqual(
    (await list()).map(({ accessKey, active }) => [accessKey, active]),
    [[key.accessKey, true]],
  )
  await json('credential', 'disable', user, key.accessKey)
  assert.equal((await list())[0]?.active, false)
  await json('credential', 'enable', user, key.accessKey)
  assert.match(await text('account', 'suspend', user), /^The account is suspended: account suspended\.\n/)
  const shown = await text('user', 'show', user)
  assert.match(
    shown,
    /^Account: +suspended \(account suspended\) on embedded in \w+, 1 key; the platform does not know yet$/m,
  )
  await json('account', 'resume', user)
  await json('credential', 'remove', user, key.accessKey)
  await refused(/has no key/, 'credential', 'disable', user, 'NONE')
  await json('account', 'remove', user)
  await refused(/has no account/, 'credential', 'list', user)
})

test('a wrong value is named by its option', async () => {
  const words = ['tenant', 'create', '--customer', init.customer.id]
  await refused(/^usher: --org must not be empty\n$/, ...words, '--name', 'Tenant', '--org', '')
  await refused(
    /<domain> must be a DNS name/,
    'portal',
    'add',
    'http://x',
    '--organization',
    init.provider.id,
  )
})
