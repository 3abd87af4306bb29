import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readDocuments } from './support/openapi.ts'

test('docs/openapi holds the documents that the server serves; npm run openapi writes them', async () => {
  for (const [name, text] of await readDocuments()) {
    const kept = readFileSync(join(import.meta.dirname, '../docs/openapi', `${name}.json`), 'utf8')
    assert.equal(kept, text, `docs/openapi/${name}.json is stale`)
  }
})
