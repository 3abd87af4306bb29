import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'
import { isSigned, startReceiver } from '../support/receiver.ts'
import { queryStore } from '../support/stored.ts'

const { path, remove } = newDataDir()
const receiver = await startReceiver()
const SETTINGS = { USHER_WEBHOOK_NETWORKS: '127.0.0.1' }
await initialise(path, SETTINGS)
after(async () => {
  await receiver.end()
  remove()
})

const usher = (...args: string[]) => runUsher(path, ['webhook', ...args], SETTINGS)
const json = <T>(...args: string[]): Promise<T> => usherJson<T>(path, ['webhook', ...args], SETTINGS)

test('a webhook is created, listed, shown, tested, replayed and deleted', async () => {
  const created = ['--url', receiver.url, '--name', 'Billing', '--operation', 'CreateUser', 'DeleteUser']
  const { id, secret } = await json<{ id: string; secret: string }>('create', ...created)
  const shown = await usher('show', id)
  assert.match(shown.stdout, /^Operations: +CreateUser, DeleteUser$/m)
  assert.match(shown.stdout, /^Delivered: +never$/m)
  assert.ok(!shown.stdout.includes(secret))
  const listed = await usher('list')
  for (const part of [id, 'Billing', receiver.url]) assert.ok(listed.stdout.includes(part))
  assert.deepEqual(await usher('test', id), {
    code: 0,
    stdout: 'The receiver accepted the test event.\n',
    stderr: '',
  })
  const [event] = receiver.requests
  assert.ok(event && isSigned(event, secret))
  receiver.respond(() => 500)
  const failed = await usher('test', id)
  const said = 'The test event failed: the receiver responded with 500.\n'
  assert.deepEqual([failed.code, failed.stdout], [1, said])
  assert.deepEqual(await json('dead-letters', id), [])
  assert.deepEqual(await json('replay', id, '--dead-letters', '--from', '2026-01-01'), { deadLetters: 0 })
  assert.deepEqual(await json('delete', id), { deleted: id })
  const gone = await usher('show', id)
  assert.deepEqual([gone.code, gone.stderr], [1, `usher: There is no webhook with the id ${id}.\n`])
})

test('a webhook is changed in parts', async () => {
  const { id } = await json<{ id: string }>('create', '--url', receiver.url, '--name', 'Billing')
  const url = 'https://receiver.example/next'
  const changed = await usher('change', id, '--url', url, '--operation', 'DeleteUser', 'CreateUser')
  assert.deepEqual([changed.code, changed.stdout], [0, `Changed ${id}.\n`])
  const shown = await json<object>('show', id)
  const state = { url, name: 'Billing', operations: ['CreateUser', 'DeleteUser'] }
  assert.partialDeepStrictEqual(shown, state)
  assert.deepEqual(await json('change', id, '--name', '', '--all-operations'), { changed: id })
  assert.partialDeepStrictEqual(await json<object>('show', id), { url, name: null, operations: null })
  await json('delete', id)
})

test('the secret of a webhook is replaced, and the former one signs until its end', async () => {
  const created = await json<{ id: string; secret: string }>('create', '--url', receiver.url)
  const { id } = created
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const rotated = await json<{ id: string; secret: string; oldSecretValidUntil: string | null }>(
    ...['rotate', id, '--until', until],
  )
  assert.deepEqual([rotated.id, rotated.oldSecretValidUntil], [id, until])
  receiver.respond(() => 204)
  await usher('test', id)
  const event = receiver.requests.at(-1)
  assert.ok(event && isSigned(event, created.secret) && isSigned(event, rotated.secret))
  assert.match((await usher('show', id)).stdout, new RegExp(`^Former secret signs until: +${until}$`, 'm'))
  const { stdout } = await usher('rotate', id, '--now')
  const [, last = ''] = /^WEBHOOK_ID=.*\nWEBHOOK_SECRET=(whsec_\S+)\n$/.exec(stdout) ?? []
  await usher('test', id)
  const next = receiver.requests.at(-1)
  assert.ok(next && isSigned(next, last) && !isSigned(next, rotated.secret))
  const shown = await json<{ oldSecretValidUntil: null; secretCreatedAt: string }>('show', id)
  assert.equal(shown.oldSecretValidUntil, null)
  await json('delete', id)
})

test('dead letters are listed in pages', async () => {
  const { id } = await json<{ id: string }>('create', '--url', receiver.url)
  await queryStore(
    path,
    `INSERT INTO deliveries (webhook_pk, block, entry_pk, organization, attempts, first_failed_at, due_at, error, dead_at)
     SELECT webhooks.pk, block, audit_entries.pk, '', 3, at, '', 'refused', at FROM webhooks, audit_entries
     WHERE operation IN ('CreateOrganization', 'CreateCustomer', 'CreateReseller')`,
  )
  const { stdout } = await usher('dead-letters', id)
  assert.match(stdout, /CreateOrganization +\S+ +3 +\S+ +refused/)
  const letters = await json<{ number: number }[]>('dead-letters', id)
  const page = await json<{ number: number }[]>('dead-letters', id, '--after', String(letters[0]?.number))
  assert.deepEqual(page, letters.slice(1))
  assert.match((await usher('dead-letters', id, '--limit', '1')).stderr, /add --after \d+ for the next page/)
  assert.deepEqual(await json('replay', id, '--dead-letters'), { deadLetters: letters.length })
})

test('wrong input is refused with the name of the option', async () => {
  const id = '01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2d'
  for (const [args, code, message] of [
    [
      ['create', '--url', 'ftp://x.example'],
      1,
      /--url must be a URL that begins with https:\/\/ or http:\/\//,
    ],
    [
      ['create', '--url', 'https://x.example', '--operation', 'Nothing'],
      1,
      /--operation must be an operation/,
    ],
    [
      ['create', '--url', 'https://10.0.0.1'],
      1,
      /--url must have a host on the internet, or in a network of/,
    ],
    [['change', id, '--url', 'http://1.1.1.1'], 1, /--url must have a host in a network of/],
    [['change', id, '--operation', 'Nothing'], 1, /--operation must be an operation/],
    [['change', id, '--name', 'x'], 1, /There is no webhook/],
    [['change', id], 2, /nothing is to be changed; give at least one of the options/],
    [['change', id, '--all-operations', '--operation', 'CreateUser'], 2, /cannot be used with/],
    [['replay', id], 2, /'--from <time>' or '--dead-letters' must be given/],
    [['replay', id, '--from', 'yesterday'], 1, /--from must be the id of an event, or a time/],
    [['test', id], 1, /There is no webhook/],
    [['rotate', id], 1, /There is no webhook/],
    [['rotate', id, '--until', '2026-01-01'], 1, /--until must be in the future/],
    [['rotate', id, '--until', '2099-01-01'], 1, /--until must be at most 90 days from now/],
    [['rotate', id, '--until', '2099-01-01', '--now'], 2, /cannot be used with/],
  ] as const) {
    const ended = await usher(...args)
    assert.equal(ended.code, code, ended.stderr)
    assert.match(ended.stderr, message)
  }
})
