import { join } from 'node:path'

/** Where the processes of a run of the tests share compiled code. */
export const COMPILED = join(import.meta.dirname, '../node_modules/.cache/usher-tests')

/** What each process of a test file loads first: most files load what a server loads. */
export const IMPORT_HOOK = join(import.meta.dirname, 'import-hook.ts')
