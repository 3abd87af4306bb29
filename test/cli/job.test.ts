import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'
import { queryStore } from '../support/stored.ts'

const { path, remove } = newDataDir()
await initialise(path)
after(remove)

const IDS = ['01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2d', '01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2e'] as const
for (const [id, state, error] of [
  [IDS[0], 'failed', 'The customer is gone.'],
  [IDS[1], 'waiting', null],
] as const)
  await queryStore(
    path,
    `INSERT INTO jobs (id, kind, state, provider_pk, organization_pk, organization_id, caller, permission,
       correlation_id, input, done, total, attempts, due_at, created_at, error, ended_at)
     SELECT ?, 'DeleteCustomer', ?, pk, pk, id, 'operator', 'administrator', id, '{}', 7, 9, 0, '2026-11-22', '2026-11-22',
       ?, ? FROM organizations WHERE kind = 'provider'`,
    ...[id, state, error, error && '2026-11-23'],
  )

const usher = (...args: string[]) => runUsher(path, ['job', ...args])
const stateOf = async (id: string): Promise<string> =>
  (await usherJson<{ state: string }>(path, ['job', 'show', id])).state

test('jobs are listed, newest first, by state and in pages', async () => {
  const list = (...args: string[]) =>
    usherJson<{ id: string; number: number }[]>(path, ['job', 'list', ...args])
  const all = await list()
  assert.deepEqual(
    all.map(({ id }) => id),
    [IDS[1], IDS[0]],
  )
  assert.deepEqual(await list('--state', 'failed'), [all[1]])
  assert.deepEqual(await list('--before', String(all[0]?.number)), [all[1]])
  assert.deepEqual(await list('--operation', 'DeleteUser'), [])
  const { stdout, stderr } = await usher('list', '--limit', '1')
  assert.match(stdout, /DeleteCustomer +waiting +7 of 9/)
  assert.match(stderr, /add --before \d+ for the next page/)
})

test('a job is shown, stopped and resumed', async () => {
  const { stdout } = await usher('show', IDS[0])
  assert.match(stdout, /^State: +failed$/m)
  assert.match(stdout, /^Error: +The customer is gone\.$/m)
  assert.equal((await usher('stop', IDS[1])).stdout, `Stopped ${IDS[1]} after 7 of 9.\n`)
  assert.equal(await stateOf(IDS[1]), 'stopped')
  assert.equal((await usher('resume', IDS[1])).code, 0)
  assert.equal(await stateOf(IDS[1]), 'waiting')
  const refused = await usher('stop', IDS[0])
  assert.deepEqual(
    [refused.code, refused.stderr],
    [1, `usher: The job ${IDS[0]} has failed: it cannot be stopped.\n`],
  )
  assert.equal((await usher('resume', IDS[0])).code, 0)
  assert.equal(await stateOf(IDS[0]), 'waiting')
  const absent = await usher('show', 'none')
  assert.deepEqual([absent.code, absent.stderr], [1, 'usher: There is no job with the id none.\n'])
})
