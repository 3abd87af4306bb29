import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveHere } from '../../testing/target.ts'
import { initialise, newDataDir, usherJson } from '../../testing/usher.ts'

test('a start names each client whose issuer is not configured', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { provider } = await initialise(path)
  const [kept, dropped] = ['https://kept.example', 'https://dropped.example'].map((issuer) => ({
    ...{ issuer, jwksUrl: `${issuer}/keys`, audience: 'api://usher' },
  }))
  const both = { USHER_ISSUERS: JSON.stringify([kept, dropped]) }
  const add = (issuer: string, id: string): Promise<{ client_id: string }> => {
    const words = ['--organization', provider.id, '--permission', 'viewer', '--name', id]
    return usherJson(path, ['client', 'add', ...words, '--issuer', issuer, '--external-id', id], both)
  }
  await add('https://kept.example', 'one')
  const lost = await add('https://dropped.example', 'two')
  const removed = await add('https://dropped.example', 'three')
  await usherJson(path, ['client', 'remove', removed.client_id])
  const start = async (settings: Record<string, string>): Promise<Record<string, unknown>[]> => {
    const running = await serveHere(path, settings)
    await running.stop()
    const lines = running.log().trim().split('\n')
    return lines
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => /tokens of a client are refused/.test(msg))
  }
  assert.deepEqual(await start(both), [])
  const [line, ...others] = await start({ USHER_ISSUERS: JSON.stringify([kept]) })
  assert.deepEqual(others, [])
  assert.partialDeepStrictEqual(line, {
    client: lost.client_id,
    name: 'two',
    issuer: 'https://dropped.example',
  })
  assert.equal((await start({})).length, 2)
})
