import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import { findUrl, newCollector, newDataDir } from '../../testing/usher.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** npm's words when neither its cache nor the registry has a package. */
const OFFLINE = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/
const LIMIT_MS = 30_000

/** Starts the thread that inserts users, and ends when it is ready. A server works without it, but slower. */
const START_THREAD = `
  import { statSync } from 'node:fs'
  import { setTimeout as pause } from 'node:timers/promises'
  import { openConnection } from './dist/store/sqlite/connection.js'
  import { CreateWriter } from './dist/store/sqlite/create-writer.js'
  const path = process.env.USHER_DATA_DIR + '/usher.db'
  const connection = openConnection(path, { readOnly: true })
  const auditKey = { id: 'unused', secret: Buffer.alloc(32), from: 1, previousHash: '' }
  const start = { path, file: statSync(path, { bigint: true }), auditKey, plans: connection.compileCreates() }
  const writer = new CreateWriter(start, (reason) => { throw reason })
  while (!writer.isReady) await pause(5)
  await writer.close()
  connection.close()`

/** It compiles and installs everything, which takes as long as 40 starts of Usher. */
const skip = FULL_LENGTH ? false : 'runs at full length only'

test('the package that npm pack makes installs into an empty folder, and sets up and serves', {
  skip,
}, async (t) => {
  const [folder, data] = [newDataDir(), newDataDir()]
  t.after(() => {
    folder.remove()
    data.remove()
  })
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('USHER_'))),
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    USHER_DATA_DIR: data.path,
    USHER_PORT: '0',
  }
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder.path], { cwd: ROOT, env })
  const file = packed.stdout.trim()
  const install = [
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--omit=dev',
    '--prefix',
    '.',
    file,
  ]
  const refused = await run('npm', install, { cwd: folder.path, env }).catch(
    (error: { stderr: string }) => error,
  )
  if (refused instanceof Error && OFFLINE.test(refused.stderr)) {
    t.skip("the registry cannot be reached, and npm's cache lacks a package")
    return
  }
  assert.ok(!(refused instanceof Error), String(refused))
  const here = join(folder.path, 'node_modules/usher')
  const sources = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/node_modules/.test(name),
  )
  assert.deepEqual(
    sources.filter((name) => name.endsWith('.ts') || name.startsWith('test')),
    [],
  )
  const usher = join(folder.path, 'node_modules/.bin/usher')
  assert.match((await run(usher, ['--version'], { env })).stdout, /^\d+\.\d+\.\d+/)
  const init = JSON.parse((await run(usher, ['init', '--json'], { env })).stdout) as { portal: string }
  assert.equal(typeof init.portal, 'string')
  await run(process.execPath, ['-e', START_THREAD], {
    cwd: here,
    env,
    timeout: LIMIT_MS,
  })

  const served = spawn(usher, ['serve'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(served, 'exit')
  t.after(() => served.kill('SIGKILL'))
  const log = newCollector()
  const url = await new Promise<string>((resolve, reject) => {
    served.stderr.on('data', (chunk) => {
      log.write(String(chunk))
      const found = findUrl(log.text())
      if (found) resolve(found)
    })
    served.once('exit', (code) => reject(new Error(`usher serve ended with ${code}: ${log.text()}`)))
  })
  for (const path of ['/readyz', '/openapi/osis.json', '/docs/static/index.html', '/console']) {
    assert.equal((await fetch(`${url}${path}`)).status, 200, path)
  }
  served.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
})
