import assert from 'node:assert/strict'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import { newBuildFinder } from '../../../src/api/console/build.ts'
import { servePages } from '../../../src/api/console/page.ts'
import { readPlace } from '../../../src/api/console/place.ts'
import { newDataDir } from '../../../testing/usher.ts'

const TEMPLATE = `<!doctype html>
<html lang="en">
<script type="module" src="./assets/index-1.js"></script>
<link rel="stylesheet" href="./assets/index-1.css">
</html>`

interface Pages {
  readonly app: FastifyInstance
  readonly dist: string
}

/** Serves a small build from a folder of its own. */
function servePlain(t: TestContext, publicUrl = 'http://localhost:8080'): Pages {
  const { path: dist, remove } = newDataDir()
  t.after(remove)
  const app = Fastify({ routerOptions: { caseSensitive: false, ignoreTrailingSlash: true } })
  servePages(app, () => readPlace(publicUrl), newBuildFinder(dist))
  return { app, dist }
}

function write(dist: string, id: string): void {
  mkdirSync(join(dist, 'assets'), { recursive: true })
  writeFileSync(join(dist, 'index.html'), TEMPLATE)
  const files = ['index-1.js', 'index-1.css', 'Name-A_b.svg', 'gone.js']
  for (const name of files.slice(0, 3)) {
    writeFileSync(join(dist, 'assets', name), `plain ${name}`)
    for (const suffix of ['br', 'gz'])
      writeFileSync(join(dist, 'assets', `${name}.${suffix}`), `${suffix} ${name}`)
  }
  writeFileSync(join(dist, 'build.json'), JSON.stringify({ id, files }))
}

test('without a build, every page says so, and there are no files', async (t) => {
  const { app } = servePlain(t)
  for (const url of ['/console', '/console/users/1']) {
    const { statusCode, body } = await app.inject(url)
    assert.equal(statusCode, 503)
    assert.match(body, /The console has not been built: npm run console:build/)
  }
  assert.equal((await app.inject('/console/assets/index-1.js')).statusCode, 404)
})

test('the page names its base and its build, and is asked for each time', async (t) => {
  const { app, dist } = servePlain(t, 'http://localhost:8080/a&amp="b/$&')
  write(dist, 'one')
  const page = await app.inject('/console/users/1')
  assert.equal(page.statusCode, 200)
  const base = '/a&amp;amp=%22b/$&amp;'
  assert.ok(page.body.includes(`<html lang="en" data-base="${base}" data-build="one">`), page.body)
  assert.ok(page.body.includes(`src="${base}/console/assets/index-1.js"`))
  assert.ok(page.body.includes(`href="${base}/console/assets/index-1.css"`))
  const { etag, 'cache-control': cache } = page.headers
  assert.equal(cache, 'no-cache')
  const headers = { 'if-none-match': String(etag) }
  assert.equal((await app.inject({ url: '/console', headers })).statusCode, 304)
  write(dist, 'two')
  utimesSync(join(dist, 'build.json'), 1, 1)
  const next = await app.inject({ url: '/console', headers })
  assert.equal(next.statusCode, 200)
  assert.match(next.body, /data-build="two"/)
  rmSync(join(dist, 'build.json'))
  assert.equal((await app.inject('/console')).statusCode, 503)
})

test('files are kept for ever, and compressed as the browser likes', async (t) => {
  const { app, dist } = servePlain(t)
  write(dist, 'one')
  const get = async (accepted: string | undefined, name = 'index-1.js') => {
    const headers = accepted === undefined ? {} : { 'accept-encoding': accepted }
    return app.inject({ url: `/console/assets/${name}`, headers })
  }
  const codings = [
    ['br, gzip', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gz'],
    ['GZIP;q=0.9, br;q=0.5', 'gz'],
    ['br;q=0, gzip;q=0.1', 'gz'],
    ['*', 'br'],
    ['*;q=0', 'plain'],
    ['identity', 'plain'],
    ['br;q=x', 'plain'],
    ['', 'plain'],
    [undefined, 'plain'],
  ] as const
  for (const [accepted, kind] of codings) {
    const { body, headers } = await get(accepted)
    assert.equal(body, `${kind} index-1.js`, String(accepted))
    assert.equal(headers['content-encoding'], { br: 'br', gz: 'gzip', plain: undefined }[kind])
    assert.equal(headers.vary, 'accept-encoding')
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.match(String(headers['content-type']), /^text\/javascript/)
  }
  assert.equal((await get('br', 'Name-A_b.svg')).headers['content-type'], 'image/svg+xml')
  const head = await app.inject({ method: 'HEAD', url: '/console/assets/index-1.css' })
  assert.deepEqual([head.statusCode, head.body], [200, ''])
})

test('what is not a file of the build is 404, and never the page', async (t) => {
  const { app, dist } = servePlain(t)
  write(dist, 'one')
  const names = [
    ...['nothing.js', '', 'index-1.js.br', 'index-1.js.gz', 'gone.js', '..%2fbuild.json'],
    ...['%2e%2e%2findex.html', 'index-1.js/', 'a/b.js', '__proto__', 'index-1.js%00', '..%5cbuild.json'],
  ]
  for (const name of names) {
    const { statusCode, body } = await app.inject(`/console/assets/${name}`)
    if (name !== 'index-1.js/') assert.equal(statusCode, 404, name)
    assert.ok(!body.includes('<html'), name)
  }
})

test('the real build has every file as brotli and as gzip', async (t) => {
  const build = newBuildFinder()()
  if (!build) return t.skip('the console has not been built')
  const app = Fastify()
  servePages(
    app,
    () => readPlace('http://localhost:8080'),
    () => build,
  )
  const { body } = await app.inject('/console')
  const named = [...body.matchAll(/"\/console\/assets\/([^"]+)"/g)].map(([, name]) => name ?? '')
  assert.ok(named.length > 1)
  assert.ok(named.every((name) => build.files.has(name)))
  for (const name of build.files) {
    const get = async (coding: string) => {
      const headers = { 'accept-encoding': coding }
      return (await app.inject({ url: `/console/assets/${name}`, headers })).rawPayload
    }
    const plain = await get('identity')
    assert.deepEqual(brotliDecompressSync(await get('br')), plain, name)
    assert.deepEqual(gunzipSync(await get('gzip')), plain, name)
  }
})
