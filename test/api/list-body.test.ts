import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toListBody } from '../../src/api/list-body.ts'

async function* partsOf(parts: readonly (readonly number[])[]): AsyncGenerator<readonly number[]> {
  yield* parts
}

const LISTS = [[], [[]], [[1]], [[1, 2], []], [[], [1]], [[1], [2], [3, 4]], [[], [], []], [[1], [], [2], []]]

test('a list is whole JSON, however it is cut into parts', async () => {
  for (const parts of LISTS) {
    const body = await toListBody(partsOf(parts))
    const text = typeof body === 'string' ? body : (await body.toArray()).join('')
    assert.deepEqual(JSON.parse(text), parts.flat())
  }
})
