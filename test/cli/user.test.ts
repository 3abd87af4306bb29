import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
let init: Init

before(async () => {
  init = await initialise(path)
})
after(remove)

const json = <T = Record<string, unknown>>(...args: string[]): Promise<T> =>
  usherJson<T>(path, ['user', ...args])

async function text(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runUsher(path, ['user', ...args])
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
}

async function fails(code: 1 | 2, message: RegExp, ...args: string[]): Promise<void> {
  const ended = await runUsher(path, ['user', ...args])
  assert.deepEqual([ended.code, ended.stdout], [code, ''])
  assert.match(ended.stderr, message)
}

async function add(email: string, ...options: string[]): Promise<string> {
  return (await json<{ id: string }>('add', '--organization', init.customer.id, '--email', email, ...options))
    .id
}

test('a user is shown by id and by e-mail', async () => {
  const id = await add('show@example.com', '--first-name', 'Ada', '--group', 'viewer', 'Alert Manager')
  const user = await json('show', id.toUpperCase())
  assert.deepEqual(user, {
    id,
    firstName: 'Ada',
    lastName: null,
    email: 'show@example.com',
    groups: ['Alert Manager', 'Viewer'],
    active: true,
    organization: { id: init.customer.id, kind: 'customer', name: 'Example Customer' },
    reseller: null,
    version: 1,
    createdAt: user.createdAt,
    updatedAt: user.createdAt,
    deletedAt: null,
    accounts: [],
  })
  const shown = await text('show', 'SHOW@example.com')
  for (const line of [
    `Id:           ${id}`,
    'Last name:    -',
    'Groups:       Alert Manager, Viewer',
    'Status:       active',
  ])
    assert.ok(shown.split('\n').includes(line), shown)
})

test('a user is changed member by member, and an empty text removes a value', async () => {
  const id = await add('change@example.com', '--first-name', 'Ada', '--last-name', 'L', '--group', 'Viewer')
  assert.deepEqual(await json('change', 'change@example.com', '--first-name', 'Grace'), { id, version: 2 })
  assert.equal(await text('change', id, '--last-name', '', '--email', 'new@example.com'), `Changed ${id}.\n`)
  await text('change', id, '--group', 'alert manager')
  const { firstName, lastName, email, groups } = await json('show', id)
  assert.deepEqual(
    [firstName, lastName, email, groups],
    ['Grace', null, 'new@example.com', ['Alert Manager']],
  )
  await text('change', id, '--no-group')
  assert.deepEqual((await json('show', id)).groups, [])
  await fails(2, /nothing is to be changed/, 'change', id)
  await fails(2, /there is no group 'x'; the groups are/, 'change', id, '--group', 'x')
  await fails(1, /^usher: --email must be an e-mail address\n$/, 'change', id, '--email', 'x')
})

test('a user is suspended, resumed, deleted and restored', async () => {
  const id = await add('leaver@example.com')
  assert.equal(await text('suspend', 'leaver@example.com'), `Suspended ${id}.\n`)
  assert.equal((await json('show', id)).active, false)
  assert.match(await text('show', id), /^Status: +suspended$/m)
  assert.deepEqual(await json('resume', id), { id, version: 3 })
  assert.equal(await text('delete', 'leaver@example.com'), `Deleted ${id}.\n`)
  assert.match(await text('show', id), /^Status: +deleted$/m)
  await fails(1, /no user with the e-mail address leaver@example.com/, 'delete', 'leaver@example.com')
  assert.equal(await text('restore', 'LEAVER@example.com'), `Restored ${id}.\n`)
  await fails(1, /no deleted user with the e-mail address/, 'restore', 'leaver@example.com')
  assert.deepEqual(await json('remove', id), { removed: id })
  await fails(1, /no deleted user/, 'restore', 'none')
})

test('an e-mail of several users needs --organization', async () => {
  const id = await add('two@example.com')
  const words = ['--organization', init.reseller.id, '--email', 'two@example.com']
  const other = await json<{ id: string }>('add', ...words)
  await fails(1, /--organization must say which user is meant/, 'show', 'two@example.com')
  const shown = await json('show', 'two@example.com', '--organization', init.reseller.id)
  assert.deepEqual([shown.id, shown.reseller], [other.id, init.reseller.id])
  assert.equal(
    await text('suspend', 'two@example.com', '--organization', init.customer.id),
    `Suspended ${id}.\n`,
  )
  await fails(1, /no organization/, 'show', id, '--organization', id)
})

test('changes are listed since a time, and on from there', async () => {
  const since = new Date().toISOString()
  const id = await add('changes@example.com')
  const first = await runUsher(path, ['user', 'list', '--changed-since', since])
  assert.match(first.stdout, new RegExp(`^${id} `, 'm'))
  const [, token = ''] = /usher user list --continue (\S+)/.exec(first.stderr) ?? []
  await text('change', id, '--first-name', 'Ada')
  const later = await runUsher(path, ['user', 'list', '--continue', token])
  assert.match(later.stdout, new RegExp(`^${id} .* Ada `, 'm'))
  await fails(
    1,
    /^usher: --continue must be a token that an earlier call has returned\n$/,
    'list',
    '--continue',
    'x',
  )
})

test('the last Administrator is kept, unless --force is given', async () => {
  const id = await add('admin@example.com', '--group', 'Administrator')
  for (const words of [
    ['suspend', id],
    ['delete', id],
    ['change', id, '--no-group'],
    ['change', id, '--group', 'Viewer'],
  ]) {
    await fails(1, /^usher: --group must keep Administrator: .*\n$/, ...words)
  }
  await text('change', id, '--no-group', '--force')
  await text('change', id, '--group', 'Administrator')
  await text('suspend', id, '--force')
  await text('resume', id)
  await text('delete', id, '--force')
  const entries = await usherJson<{ changedFields: string[] }[]>(path, [
    'audit',
    'list',
    '--organization',
    init.customer.id,
  ])
  const forced = entries.filter((entry) => entry.changedFields.includes('lastAdministrator'))
  assert.equal(forced.length, 3)
})
