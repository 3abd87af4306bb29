import { onPostgres } from '../support/engine.ts'

// The other files cannot differ between the engines.
await onPostgres(import.meta.dirname, [
  'audit.test.ts',
  'commands.test.ts',
  'import.test.ts',
  'init.test.ts',
  'key.test.ts',
  'platform.test.ts',
])
