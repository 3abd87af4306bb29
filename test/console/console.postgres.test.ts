import { test } from 'node:test'
import { useServer } from '../../testing/environment.ts'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import { findServer } from '../support/postgres.ts'
import { runStories } from './stories.ts'

// The engine changes nothing that only a browser sees, but what lists and searches return.
const found = FULL_LENGTH ? await findServer() : { reason: 'runs at full length' }
if ('reason' in found) test('the console on PostgreSQL', { skip: found.reason }, () => undefined)
else {
  useServer(found)
  await runStories()
}
