import { FULL_LENGTH } from '../../testing/full-length.ts'
import { onPostgres } from '../support/engine.ts'

/** The tests whose results can depend on the engine. */
const FILES = ['day-at-a-provider.test.ts', 'durability.test.ts', 'stop.test.ts']

await onPostgres(import.meta.dirname, FULL_LENGTH ? undefined : FILES)
if (FULL_LENGTH) await onPostgres(import.meta.dirname, ['../master-key.test.ts'])
