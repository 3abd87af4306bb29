import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainError } from '../../src/cli/errors.ts'
import { StoreError } from '../../src/store/port.ts'

test('a failure of closing does not hide the failure before it', async () => {
  const work = async (): Promise<void> => {
    await using opened = new AsyncDisposableStack()
    opened.defer(() => Promise.reject(new StoreError('failed', 'the file cannot be closed')))
    throw new StoreError('full', 'the disk is full')
  }
  const error = await work().catch((thrown: unknown) => thrown)
  assert.deepEqual(explainError(error), ['the disk is full', 'the file cannot be closed'])
})
