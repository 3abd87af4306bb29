import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareFor } from '../src/share-for.ts'

const DAY = 24 * 60 * 60_000

test('callers share one result for the time given', async () => {
  let calls = 0
  const share = shareFor(DAY, async () => ++calls)
  assert.deepEqual([await share(), await share(), await share()], [1, 1, 1])
})

test('a failure is shared, too', async () => {
  let calls = 0
  const share = shareFor(DAY, async () => {
    throw new Error(`refused ${++calls}`)
  })
  await assert.rejects(share(), /refused 1/)
  await assert.rejects(share(), /refused 1/)
})

test('callers share work that is still running, however long it takes, and then begin it anew', async () => {
  let calls = 0
  let gate = Promise.withResolvers<void>()
  const share = shareFor(0, async () => {
    const call = ++calls
    await gate.promise
    return call
  })
  const [first, second] = [share(), share()]
  gate.resolve()
  assert.deepEqual(await Promise.all([first, second]), [1, 1])
  gate = Promise.withResolvers()
  gate.resolve()
  assert.equal(await share(), 2)
})
