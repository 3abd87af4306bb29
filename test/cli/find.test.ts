import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
let init: Init

before(async () => {
  init = await initialise(path)
})
after(remove)

interface Found {
  readonly kind: string
  readonly id: string
  readonly state: string
}

const add = (email: string, firstName: string): Promise<{ id: string }> =>
  usherJson(path, [
    ...['user', 'add', '--organization', init.customer.id, '--email', email],
    ...['--first-name', firstName, '--last-name', 'Lovelace'],
  ])

test('a person is found by id, e-mail and words, and the command names the next one', async () => {
  const { id } = await add('ada@example.com', 'Ada')
  for (const words of [[id], ['ADA@example.com'], ['love', 'ada']]) {
    const hits = await usherJson<Found[]>(path, ['find', ...words])
    assert.deepEqual(
      hits.map((hit) => [hit.kind, hit.id, hit.state]),
      [['user', id, 'active']],
    )
  }
  const { stdout } = await runUsher(path, ['find', 'love'])
  assert.match(stdout, /^KIND +NAME +E-MAIL +ORGANIZATION +STATE +ID\nuser +Ada Lovelace +ada@example.com +/)
  assert.match(stdout, new RegExp(`usher explain user ${id}\n$`))
})

test('a text that nothing has is no error, and one that many have says how to go on', async () => {
  assert.deepEqual(await usherJson(path, ['find', 'nobody at all']), [])
  assert.match((await runUsher(path, ['find', 'nobody'])).stdout, /^Nothing matches\./)
  await add('a\u202e@evil.example'.replace('\u202e', ''), 'Eve\u202e\u001b[2J')
  const { stdout } = await runUsher(path, ['find', 'evil'])
  assert.match(stdout, /Eve\\u202e\\u001b\[2J Lovelace/)
  const { stderr } = await runUsher(path, ['find', 'lovelace', '--limit', '1'])
  assert.match(stderr, /there are more: raise --limit, or add a word/)
  assert.equal((await runUsher(path, ['find'])).code, 2)
})
