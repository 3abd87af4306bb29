import { onPostgres } from '../support/engine.ts'

/** The tests that start the program; the others here are about its parts. */
const FILES = [
  '../master-key.test.ts',
  'durability.test.ts',
  'key-rotation.test.ts',
  'readme.test.ts',
  'start-stop.test.ts',
]

await onPostgres(import.meta.dirname, FILES)
