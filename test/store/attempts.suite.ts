import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { KEPT_OUTCOMES } from '../../src/model/attempts.ts'
import { CAUSE_CODES, formatCause, parseCause, toCause } from '../../src/model/causes.ts'
import {
  deleteAttemptsBefore,
  insertAttempt,
  MAX_ATTEMPTS,
  type NewAttempt,
  selectAttemptsOfUser,
} from '../../src/store/accounts/attempts.ts'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import type { OpenStore } from '../support/stores.ts'
import { type Added, newWorld, put, type World } from './accounts-world.ts'

const AT = '2026-11-22T08:00:00.000Z'

const FAILED: NewAttempt = {
  outcome: 'failed',
  cause: { code: 'refused', status: 403, platformCode: 'AccessDenied' },
  error: 'refused',
  version: 1,
  changedAt: AT,
  at: AT,
  node: 'host:1',
  ms: 5,
}

/** Few values, so that equal attempts follow each other often. */
const attempt: fc.Arbitrary<NewAttempt> = fc.record({
  outcome: fc.constantFrom(...KEPT_OUTCOMES),
  cause: fc.constantFrom(null, toCause('unreachable'), FAILED.cause),
  error: fc.constantFrom(null, 'one', 'other'),
  version: fc.integer({ min: 1, max: 2 }),
  changedAt: fc.constant(AT),
  at: fc.integer({ min: 0, max: 59 }).map((s) => AT.replace('00.000', `${String(s).padStart(2, '0')}.000`)),
  node: fc.constantFrom('host:1', 'host:2'),
  ms: fc.nat(10_000),
})

/** Returns the runs of equal attempts, newest first. */
function collapse(all: readonly NewAttempt[]): NewAttempt[][] {
  const keyOf = ({ outcome, cause, error, version, changedAt }: NewAttempt) =>
    JSON.stringify([outcome, cause && formatCause(cause), error, version, changedAt])
  const runs: NewAttempt[][] = []
  for (const one of all) {
    const last = runs.at(-1)
    if (last?.[0] && keyOf(last[0]) === keyOf(one)) last.push(one)
    else runs.push([one])
  }
  return runs.reverse()
}

async function keep({ store }: World, { pk }: Pick<Added, 'pk'>, all: readonly NewAttempt[]): Promise<void> {
  await store.write(async (tx) => {
    for (const one of all) await insertAttempt(tx, pk, one)
  })
}

function list({ store }: World, { user }: Added, limit = 200) {
  return store.read((tx) => selectAttemptsOfUser(tx, user, { limit }))
}

/** Attempts to apply accounts that are kept. */
export function attemptsSuite(open: OpenStore): void {
  describe('kept attempts', () => {
    test('equal attempts in a row are one row, with the first and the last time and the count', async () => {
      const world = await newWorld(open)
      let number = 0
      const property = fc.asyncProperty(fc.array(attempt, { maxLength: 25 }), async (all) => {
        const added = await put(world, { orgUserId: `u${++number}` })
        await keep(world, added, all)
        const found = await list(world, added)
        assert.deepEqual(
          found.map(({ number: _, ...one }) => one),
          collapse(all).map((run) => {
            const [first, last] = [run[0] ?? assert.fail(), run.at(-1) ?? assert.fail()]
            const { outcome, cause, error, version, changedAt } = first
            return {
              ...{ platform: 'p', firstAt: first.at, lastAt: last.at, count: run.length },
              ...{ outcome, cause, error, version, changedAt, node: last.node, ms: last.ms },
            }
          }),
        )
      })
      await fc.assert(property, { numRuns: FULL_LENGTH ? 200 : 20 })
    })

    test('an account has a limited number of rows; the oldest go first, and other accounts keep theirs', async () => {
      const world = await newWorld(open)
      const [one, other] = [await put(world, { orgUserId: 'one' }), await put(world, { orgUserId: 'other' })]
      await keep(world, other, [FAILED])
      const many = Array.from({ length: MAX_ATTEMPTS + 7 }, (_, i) => ({ ...FAILED, version: i + 1 }))
      await keep(world, one, many)
      const found = await list(world, one)
      assert.deepEqual(
        found.map(({ version }) => version),
        many
          .map(({ version }) => version)
          .reverse()
          .slice(0, MAX_ATTEMPTS),
      )
      assert.equal((await list(world, other)).length, 1)
    })

    test('pages continue before the last number', async () => {
      const world = await newWorld(open)
      const added = await put(world, { orgUserId: 'one' })
      await keep(
        world,
        added,
        [1, 2, 3].map((version) => ({ ...FAILED, version })),
      )
      const [newest] = await list(world, added, 1)
      assert.equal(newest?.version, 3)
      const rest = await world.store.read((tx) =>
        selectAttemptsOfUser(tx, added.user, { before: newest?.number, limit: 9 }),
      )
      assert.deepEqual(
        rest.map(({ version }) => version),
        [2, 1],
      )
    })

    test('old attempts are deleted by their last repetition, a limited number at once', async () => {
      const world = await newWorld(open)
      const added = await put(world, { orgUserId: 'one' })
      const [old, late] = ['2026-01-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z']
      await keep(world, added, [
        { ...FAILED, at: old },
        { ...FAILED, at: old, version: 2 },
        { ...FAILED, at: old, version: 3 },
        { ...FAILED, at: late, version: 3 },
      ])
      const deleteSome = () => world.store.write((tx) => deleteAttemptsBefore(tx, late, 1))
      assert.deepEqual([await deleteSome(), await deleteSome(), await deleteSome()], [1, 1, 0])
      assert.deepEqual(
        (await list(world, added)).map(({ version }) => version),
        [3],
      )
    })
  })

  test('a cause is stored as one text, and read back; other texts are the cause "other"', () => {
    for (const code of CAUSE_CODES) assert.deepEqual(parseCause(formatCause(toCause(code))), toCause(code))
    for (const platformCode of ['AccessDenied', null]) {
      const cause = { code: 'refused', status: 403, platformCode } as const
      assert.deepEqual(parseCause(formatCause(cause)), cause)
    }
    for (const text of ['', 'of a newer version', ':', 'refused2:403', 'Refused'])
      assert.deepEqual(parseCause(text), toCause('other'))
    assert.deepEqual(parseCause('refused:x:y'), toCause('refused'))
  })
}
