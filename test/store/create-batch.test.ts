import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateBatch } from '../../src/store/create-batch.ts'
import type { NewUserRow } from '../../src/store/port.ts'

test('a user who waits is refused after 5 s, also if the clock of the system is set back', async (t) => {
  const [now, clock] = [{ ms: 0 }, { ms: Date.parse('2026-11-28') }]
  t.mock.method(performance, 'now', () => now.ms)
  t.mock.method(Date, 'now', () => clock.ms)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const never = new Promise<never>(() => undefined)
  const batch = new CreateBatch({ insert: () => never, isOfOneRow: () => false, running: 1, enough: 1 })
  void batch.add({} as NewUserRow)
  const waiting = batch.add({} as NewUserRow)
  now.ms += 5_000
  clock.ms -= 3_600_000
  t.mock.timers.tick(5_000)
  await assert.rejects(waiting, { reason: 'busy' })
})
