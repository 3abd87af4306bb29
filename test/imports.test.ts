import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { findViolations } from './support/imports.ts'

const SRC = join(import.meta.dirname, '../src')

function readSources(): { file: string; source: string }[] {
  return readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ file: relative(SRC, path), source: readFileSync(path, 'utf8') }))
}

test('every file of src keeps the import rules', () => {
  const sources = readSources()
  assert.ok(sources.length > 50)
  for (const { file } of sources) assert.match(file, /\.ts$|^(main|program|compile-cache|import-hook)\.js$/)
  assert.deepEqual(
    sources.flatMap(({ file, source }) => findViolations(file, source)),
    [],
  )
})

/** Which folders the folders of tests and tools must not import. */
const APART: readonly (readonly [folder: string, others: RegExp])[] = [
  ['test/contract', /\/src\//],
  ['testing', /\/test\//],
  ['bench', /\/test\//],
]

for (const [folder, others] of APART) {
  test(`no file of ${folder} imports ${others.source.replaceAll('\\/', '')}`, () => {
    const root = join(import.meta.dirname, '..', folder)
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    )
    assert.ok(files.length > 5)
    for (const file of files) {
      const specifiers = readFileSync(join(root, file), 'utf8').match(/(?<=(from|import\() ?')\.[^']+/g) ?? []
      assert.deepEqual(
        specifiers.filter((one) => others.test(one)),
        [],
        file,
      )
    }
  })
}

const BROKEN: readonly (readonly [file: string, source: string, violation: RegExp])[] = [
  ['model/x.ts', "import { y } from '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "import type { y } from '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "import {\n  type y,\n} from '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "import '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "export * from '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "export type { y } from '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "const y = await import('../store/port.ts')", /model may not import store/],
  ['model/x.ts', 'const y = await import(`../store/port.ts`)', /model may not import store/],
  ['model/x.ts', "type Y = import('../store/port.ts').Store", /model may not import store/],
  ['model/x.ts', "import { y } from /* why */ '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "const u = 'http://a'; import '../store/port.ts'", /model may not import store/],
  ['model/x.ts', "import type { Config } from '../config.ts'", /model may not import config\.ts/],
  ['store/x.ts', "import { y } from '../directory/users.ts'", /store may not import directory/],
  [
    'store/copy.ts',
    "import { y } from './postgres/tx.ts'",
    /only store\/open\.ts may import store\/postgres/,
  ],
  ['store/sqlite/x.ts', "import { y } from '../postgres/errors.ts'", /only store\/open\.ts may import/],
  ['store/tables/x.ts', "import type { y } from '../sqlite/store.ts'", /only store\/open\.ts may import/],
  [
    'directory/x.ts',
    "import { y } from '../store/postgres/audit-sealer.ts'",
    /only store\/open\.ts may import/,
  ],
  ['app.ts', "await import('./store/sqlite/store.ts')", /only store\/open\.ts may import store\/sqlite/],
  ['store/migrations/x.ts', "import { y } from '../../auth/basic.ts'", /store may not import auth/],
  ['directory/x.ts', "import { y } from '../platform/platform.ts'", /directory may not import platform/],
  ['directory/x.ts', "import { y } from '../provisioning/reconciler.ts'", /may not import provisioning/],
  ['auth/x.ts', "import { y } from '../store/clients.ts'", /auth may not import store/],
  ['platform/ceph-rgw/x.ts', "import { y } from '../../store/port.ts'", /platform may not import store/],
  ['provisioning/x.ts', "import { y } from '../api/server.ts'", /provisioning may not import api/],
  ['api/osis/x.ts', "import { y } from '../../store/users.ts'", /api may not import store/],
  ['api/osis/x.ts', "import { y } from '../../platform/platform.ts'", /api may not import platform/],
  ['api/osis/x.ts', "import { y } from '../../cli/cli.ts'", /api may not import cli/],
  ['api/osis/x.ts', "import { y } from '../partner/users.ts'", /dialect osis may not import dialect partner/],
  ['api/partner/x.ts', "import '../oauth/index.ts'", /dialect partner may not import dialect oauth/],
  ['cli/x.ts', "import { y } from '../api/server.ts'", /cli may not import api/],
  ['config.ts', "import { y } from './api/server.ts'", /config\.ts may not import api/],
  ['api/osis/x.ts', "import { newLogger } from '../../logger.ts'", /api may not import logger\.ts/],
  ['api/osis/x.ts', "import type { Config } from '../../config.ts'", /api may not import config\.ts/],
  ['directory/x.ts', "import type { Logger } from '../logger.ts'", /directory may not import logger\.ts/],
  ['logger.ts', "import { y } from './app.ts'", /logger\.ts may not import app\.ts/],
  ['new/x.ts', "import { y } from '../model/ids.ts'", /new is not a folder of the layout/],
  ['model/x.ts', "import { y } from '../../test/x.ts'", /leaves src/],
  ['directory/x.ts', "import { sql } from 'kysely'", /kysely belongs to store/],
  ['directory/x.ts', "import { z } from 'kysely/helpers/sqlite'", /kysely.* belongs to store/],
  ['app.ts', "import pg from 'pg'", /pg belongs to store/],
  ['store/tables/x.ts', "import pg from 'pg'", /pg belongs to store\/postgres/],
  [
    'store/postgres/x.ts',
    "import { DatabaseSync } from 'node:sqlite'",
    /node:sqlite belongs to store\/sqlite/,
  ],
  ['cli/x.ts', "import { DatabaseSync } from 'node:sqlite'", /node:sqlite belongs to store/],
  ['cli/x.ts', "process.getBuiltinModule('node:sqlite')", /node:sqlite belongs to store/],
  ['auth/x.ts', "import type { FastifyRequest } from 'fastify'", /fastify belongs to api, app\.ts/],
  ['cli/x.ts', "import swagger from '@fastify/swagger'", /@fastify\/swagger belongs to api, app\.ts/],
  ['webhooks/x.ts', "import { request } from 'node:http'", /node:http slows the start/],
  ['model/x.ts', "import type { Static } from 'typebox'", /typebox belongs to api, issuers\.ts/],
  ['api/x.ts', "import { type Static, Type } from 'typebox'", /typebox gives types only/],
  ['config.ts', "import { Ajv } from 'ajv'", /ajv belongs to api, issuers\.ts/],
  ['main.js', "import Fastify from 'fastify'", /fastify belongs to api, app\.ts/],
  ['api/osis/x.ts', "import aws4 from 'aws4'", /aws4 belongs to platform/],
  ['app.ts', "import { Command } from 'commander'", /commander belongs to cli/],
  ['api/oauth/x.ts', "import { jwtVerify } from 'jose'", /jose belongs to auth/],
  ['auth/x.ts', 'const y = await import(name)', /import\(\) of something that is not written out/],
  ['auth/x.ts', "const y = require('jose')", /require/],
  ['model/x.ts', 'export default 1', /default export/],
  ['model/x.ts', 'export { x as default }', /default export/],
  ['cli/x.ts', 'process.exit(1)', /process\.exit/],
  ['cli/x.ts', "import { exit } from 'node:process'", /process\.exit/],
]

for (const [file, source, violation] of BROKEN) {
  test(`in ${file}, ${JSON.stringify(source)} is found`, () => {
    const found = findViolations(file, source)
    assert.ok(
      found.some((one) => violation.test(one)),
      `found only ${JSON.stringify(found)}`,
    )
  })
}

const RIGHT: readonly (readonly [file: string, source: string])[] = [
  ['model/x.ts', "import { randomBytes } from 'node:crypto'\nimport { y } from './ids.ts'"],
  ['store/sqlite/x.ts', "import { sql } from 'kysely'\nimport { DatabaseSync } from 'node:sqlite'"],
  ['store/open.ts', "import { y } from './sqlite/store.ts'\nawait import('./postgres/store.ts')"],
  ['store/postgres/x.ts', "import { y } from './tx.ts'\nimport { z } from '../tables/users.ts'"],
  ['store/postgres/x.ts', "import pg from 'pg'\nimport { Kysely } from 'kysely'"],
  ['app.ts', "import Fastify from 'fastify'\nimport { buildServer } from './api/server.ts'"],
  ['webhooks/x.ts', "import type { Agent } from 'node:http'\nprocess.getBuiltinModule('node:http')"],
  ['cli/x.ts', "import { Command } from 'commander'"],
  ['cli/x.ts', "import { startApp } from '../app.ts'\nprocess.exitCode = 1"],
  ['api/osis/x.ts', "import { y } from '../validation.ts'\nimport { z } from './schemas.ts'"],
  ['api/server.ts', "import { osisApi } from './osis/index.ts'"],
  ['api/server.ts', "import type { Logger } from '../logger.ts'"],
  ['config.ts', "import type { OsisSettings } from './api/osis/settings.ts'"],
  ['issuers.ts', "import type { Static } from 'typebox'\nimport { Type } from './json-schema.ts'"],
  ['model/x.ts', "// import { y } from '../store/port.ts'\n/* export default 1 */"],
]

for (const [file, source] of RIGHT) {
  test(`in ${file}, ${JSON.stringify(source)} is allowed`, () => {
    assert.deepEqual(findViolations(file, source), [])
  })
}
