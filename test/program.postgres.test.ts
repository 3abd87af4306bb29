import { onPostgres } from './support/engine.ts'

/** The tests that start the program; the others here are about its parts. */
const FILES = [
  'durability.test.ts',
  'key-rotation.test.ts',
  'master-key.test.ts',
  'readme.test.ts',
  'regressions.test.ts',
  'start-stop.test.ts',
]

await onPostgres(import.meta.dirname, FILES)
