import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWhenIdle, startLoop } from '../src/loop.ts'

const DAY = 24 * 60 * 60_000

function newLog() {
  const lines: string[] = []
  return { lines, error: (_: object, message: string) => void lines.push(message) }
}

test('a loop runs its work again and again, one round after the other', async () => {
  const third = Promise.withResolvers<void>()
  let [rounds, running, most] = [0, 0, 0]
  const loop = startLoop({ name: 'counting', everyMs: 1, log: newLog() }, async () => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => setImmediate(resolve))
    running--
    if (++rounds === 3) third.resolve()
  })
  await third.promise
  await loop.stop()
  assert.equal(most, 1)
})

test('a round that throws is logged with the name of the loop, and another one follows', async () => {
  const second = Promise.withResolvers<void>()
  const log = newLog()
  let rounds = 0
  const loop = startLoop({ name: 'counting', everyMs: 1, log }, async () => {
    if (++rounds === 1) throw new Error('refused')
    second.resolve()
  })
  await second.promise
  await loop.stop()
  assert.deepEqual(log.lines, ['counting failed'])
})

test('work that throws before its first pause does not end the loop', async () => {
  const log = newLog()
  const loop = startLoop({ name: 'counting', everyMs: DAY, log }, () => {
    throw new Error('refused')
  })
  await loop.stop()
  assert.deepEqual(log.lines, ['counting failed'])
})

test('a stop ends a long pause at once', async () => {
  const loop = startLoop({ name: 'waiting', everyMs: DAY, log: newLog() }, async () => undefined)
  await loop.stop()
})

test('a stop tells the running round, waits for it, and starts no other', async () => {
  const ended = Promise.withResolvers<void>()
  let rounds = 0
  const loop = startLoop({ name: 'working', everyMs: 1, log: newLog() }, async (stopping) => {
    rounds++
    await new Promise<void>((resolve) => stopping.addEventListener('abort', () => resolve()))
    await ended.promise
  })
  let stopped = false
  const stopping = loop.stop().then(() => {
    stopped = true
  })
  await new Promise<void>((resolve) => setImmediate(resolve))
  assert.equal(stopped, false)
  ended.resolve()
  await stopping
  assert.equal(rounds, 1)
})

test('work that can wait runs until none is left', async () => {
  let left = 3
  await runWhenIdle(new AbortController().signal, async () => --left > 0)
  assert.equal(left, 0)
})

test('work that can wait does not run while the process is busy', async () => {
  let [isBusy, batches] = [true, 0]
  const spin = (): void => {
    for (const until = performance.now() + 5; performance.now() < until; );
    if (isBusy) setImmediate(spin)
  }
  spin()
  await runWhenIdle(new AbortController().signal, async () => ++batches > 0)
  isBusy = false
  assert.equal(batches, 0)
})

test('work that can wait ends when it is stopped', async () => {
  const stopping = new AbortController()
  await runWhenIdle(stopping.signal, async () => {
    stopping.abort()
    return true
  })
})
