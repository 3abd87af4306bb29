import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { newDataDir } from '../testing/usher.ts'

const HOOK = join(import.meta.dirname, '../src/import-hook.js')

/** Packages in the shapes that packages have. */
const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'main.js': `import { registerImportHook } from ${JSON.stringify(HOOK)}
registerImportHook()
const { names } = await import('./names.ts')
console.log(names.join(' '))`,
  'names.ts': `import data from './data.json' with { type: 'json' }
import { name as own } from './own/name.ts'
import { name as esm } from 'esm'
import { name as wrapped } from 'wrapped'
import { name as cjs } from 'cjs'
export const names: readonly string[] = [data.name, own, esm, wrapped, cjs]`,
  'data.json': '{ "name": "json" }',
  'own/name.ts': "export const name: string = 'own'",
  'node_modules/esm/package.json': '{ "type": "module", "exports": "./dist/index.js" }',
  'node_modules/esm/dist/index.js': "export { name } from './deep/name.js'",
  'node_modules/esm/dist/deep/name.js': "import '../index.js'\nexport const name = 'esm'",
  // As pg does it.
  'node_modules/wrapped/package.json': '{ "exports": "./esm/index.mjs" }',
  'node_modules/wrapped/esm/index.mjs': "import cjs from '../lib/index.js'\nexport const name = cjs.name",
  'node_modules/wrapped/lib/index.js': "exports.name = require('./name').name",
  'node_modules/wrapped/lib/name.js': "exports.name = 'wrapped'",
  'node_modules/cjs/package.json': '{ "main": "index.js" }',
  'node_modules/cjs/index.js': "exports.name = require('./name.js').name",
  'node_modules/cjs/name.js': "exports.name = 'cjs'",
}

test('with the hook, modules, wrapped and plain CommonJS and JSON are imported', (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  const { stdout, stderr } = spawnSync(process.execPath, [join(path, 'main.js')], { encoding: 'utf8' })
  assert.equal(stdout, 'json own esm wrapped cjs\n', stderr)
})
