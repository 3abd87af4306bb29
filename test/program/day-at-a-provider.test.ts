import { test } from 'node:test'
import { startTarget } from '../../testing/target.ts'
import { liveADay } from '../support/day-at-a-provider.ts'

test('a day at a provider', async (t) => {
  const target = await startTarget()
  t.after(target.end)
  await liveADay(target)
})
