import { FULL_LENGTH } from '../../testing/full-length.ts'
import { onPostgres } from '../support/engine.ts'
import { programOnPostgres } from './on-postgres.ts'

await programOnPostgres()
if (FULL_LENGTH) await onPostgres(import.meta.dirname, ['../master-key.test.ts'])
