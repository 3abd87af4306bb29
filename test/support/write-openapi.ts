import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDocuments } from './openapi.ts'

/** `npm run openapi`: writes what the server serves into docs/openapi. */
for (const [name, text] of await readDocuments()) {
  writeFileSync(join(import.meta.dirname, '../../docs/openapi', `${name}.json`), text)
}
