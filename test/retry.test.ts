import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailedTry, retry } from '../src/retry.ts'

/** Work that fails with the errors, one after the other, and then returns the number of its calls. */
function failing(...errors: readonly Error[]): () => Promise<number> {
  let calls = 0
  return async () => {
    const error = errors[calls++]
    if (error) throw error
    return calls
  }
}

test('work that succeeds runs once', async () => {
  assert.equal(await retry(failing(), () => assert.fail('nothing failed')), 1)
})

test('work runs again until it succeeds, and each failure is judged', async () => {
  const judged: Pick<FailedTry, 'error' | 'tries'>[] = []
  const [one, two] = [new Error('one'), new Error('two')]
  const result = await retry(failing(one, two), ({ error, tries, elapsedMs }) => {
    judged.push({ error, tries })
    assert.ok(elapsedMs >= 0)
    return 0
  })
  assert.equal(result, 3)
  assert.deepEqual(judged, [
    { error: one, tries: 1 },
    { error: two, tries: 2 },
  ])
})

test('the error that the decision throws is the result', async () => {
  const gaveUp = retry(failing(new Error('one'), new Error('two')), ({ tries }) => {
    if (tries === 2) throw new Error('gave up')
    return 0
  })
  await assert.rejects(gaveUp, /gave up/)
})

test('a signal ends a pause, and the next try starts at once', async () => {
  const stopping = new AbortController()
  const result = retry(failing(new Error('one')), () => 60_000, stopping.signal)
  setImmediate(() => stopping.abort())
  assert.equal(await result, 2)
})
