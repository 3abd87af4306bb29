import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { startReceiver } from '../support/receiver.ts'
import { assertInvalid, callPortal, create, idOf, newUser } from './portal.ts'
import { useOwnTarget } from './target.ts'

const LIMIT_MS = 15_000

interface Letter {
  readonly number: number
  readonly event: { readonly id: string; readonly type: string; readonly data: { readonly target: string } }
  readonly attempts: number
  readonly error: string
}

// An event is given up after its first failure.
const target = useOwnTarget({ USHER_WEBHOOK_NETWORKS: '127.0.0.1', USHER_WEBHOOK_RETRY_HOURS: '0' })
const receiver = await startReceiver()
after(() => receiver.end())

test('what a receiver refuses is given up, listed, and tried again on request', async () => {
  const body = { url: receiver.url, operations: ['CreateUser'] }
  const { id } = jsonOf<{ id: string }>(await callPortal(target, 'POST', '/webhooks', { body }))
  const letters = async (query = ''): Promise<Letter[]> =>
    jsonOf(await callPortal(target, 'GET', `/webhooks/${id}/dead-letters${query}`))
  assert.deepEqual(await letters(), [])
  const users = [idOf(await create(target, newUser()))]
  for (let i = 0; i < 2; i++) users.push(idOf(await create(target, newUser())))
  receiver.respond(({ data }) => (data.target === users[1] ? 204 : 400))
  const again = await callPortal(target, 'POST', `/webhooks/${id}/replay`, {
    body: { from: '2026-01-01T00:00:00Z' },
  })
  assert.equal(again.status, 200, again.text)
  await waitUntil(async () => (await letters()).length === 2, LIMIT_MS)
  const [first, second] = await letters()
  assert.deepEqual([first?.event.data.target, second?.event.data.target], [users[0], users[2]])
  assert.deepEqual([first?.attempts, first?.error], [1, 'the receiver responded with 400'])
  assert.equal(first?.event.type, 'CreateUser')
  assert.deepEqual(await letters('?limit=1'), [first])
  assert.deepEqual(await letters(`?limit=1&after=${first?.number}`), [second])
  assertInvalid(await callPortal(target, 'GET', `/webhooks/${id}/dead-letters?limit=1001`), ['limit'])
  receiver.respond(() => 204)
  const revived = await callPortal(target, 'POST', `/webhooks/${id}/replay`, { body: { deadLetters: true } })
  assert.deepEqual(jsonOf(revived), { deadLetters: 2 })
  await receiver.waitFor(({ data }) => data.target === users[2])
  await waitUntil(async () => (await letters()).length === 0, LIMIT_MS)
  const sent = receiver.accepted().filter(({ id }) => [first?.event.id, second?.event.id].includes(id))
  assert.equal(sent.length, 2)
})
