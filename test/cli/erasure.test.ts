import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

interface Entry {
  readonly number: number
  readonly operation: string
  readonly target: string | null
  readonly changes?: Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>>
}

interface Receipt {
  readonly id: string
  readonly erasedAt: string
  readonly entries: number
  readonly accounts: readonly unknown[]
}

const { path, remove } = newDataDir()
let user: string

before(async () => {
  const { customer } = await initialise(path)
  const named = ['--organization', customer.id, '--email', 'erica@example.com', '--first-name', 'Erica']
  user = (await usherJson<{ id: string }>(path, ['user', 'add', ...named])).id
  await usherJson(path, ['user', 'change', user, '--first-name', 'Grace'])
})
after(remove)

async function exportLog(...options: string[]): Promise<Entry[]> {
  const { code, stdout, stderr } = await runUsher(path, ['audit', 'export', ...options])
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
}

test('the export has every entry, oldest first, one a line, with the values of changes', async () => {
  const entries = await exportLog()
  const listed = await usherJson<Entry[]>(path, ['audit', 'list'])
  assert.deepEqual(entries, listed.toReversed())
  assert.deepEqual(entries.at(-1)?.changes, { firstName: { before: 'Erica', after: 'Grace' } })
  assert.deepEqual(await exportLog('--json'), entries)
  assert.deepEqual(await exportLog('--since', '2999-01-01T00:00:00Z'), [])
  assert.deepEqual(await exportLog('--until', '2000-01-01T00:00:00Z'), [])
})

test('a user who is not deleted is refused without --force, which deletes them first', async () => {
  const refused = await runUsher(path, ['user', 'erase', user])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /delete them first/)
  const { id, entries, accounts } = await usherJson<Receipt>(path, ['user', 'erase', user, '--force'])
  // The create, the change, the refusal, the deletion and the erasure.
  assert.deepEqual([id, entries, accounts], [user, 5, []])
  const { stdout } = await runUsher(path, ['user', 'erase', user])
  assert.match(stdout, new RegExp(`^Erased ${user} at .*; 6 audit entries are about the user`))
})

test('the log of an erased user is intact, and has none of their values', async () => {
  const exported = await exportLog()
  const hidden = { before: null, after: null, erased: true }
  const change = exported.find(({ operation, target }) => operation === 'UpdateUser' && target === user)
  assert.deepEqual(change?.changes, { firstName: hidden })
  assert.doesNotMatch(JSON.stringify(exported), /Erica|Grace|erica@example/)
  const { whole } = await usherJson<{ whole: boolean }>(path, ['audit', 'verify'])
  assert.equal(whole, true)
})

test('an id that no user has is refused', async () => {
  for (const id of ['none', '01a220e6-8ccb-7404-ab07-f9f1c367320f']) {
    const { code, stderr } = await runUsher(path, ['user', 'erase', id])
    assert.deepEqual([code, /There is no user/.test(stderr)], [1, true])
  }
})
