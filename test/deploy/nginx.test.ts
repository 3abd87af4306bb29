import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { newDataDir, serveNew, usherJson } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../deploy/nginx.conf'), 'utf8')
const skip =
  (spawnSync('nginx', ['-v']).error || spawnSync('openssl', ['version']).error) &&
  'nginx or openssl is not installed'

test('the proxy names the caller itself, and passes paths on as they came', () => {
  assert.match(EXAMPLE, /^ *proxy_set_header X-Forwarded-For \$remote_addr;$/m)
  assert.match(EXAMPLE, /^ *proxy_pass http:\/\/usher;$/m)
  assert.match(EXAMPLE, /USHER_TRUSTED_PROXIES=127\.0\.0\.1/)
  assert.match(EXAMPLE, /^ *client_max_body_size 1m;$/m)
})

/** Writes the example with other ports and certificates into a new folder. Returns the file that nginx takes. */
function writeConfig(t: TestContext, ports: { listen: number; usher: string }): string {
  const { path, remove } = newDataDir()
  t.after(remove)
  const [key, certificate] = [join(path, 'key.pem'), join(path, 'certificate.pem')]
  const made = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=usher.example.com',
    '-days',
    '1',
  ]
  assert.equal(spawnSync('openssl', [...made, '-keyout', key, '-out', certificate]).status, 0)
  const site = EXAMPLE.replace('listen 443 ssl', `listen 127.0.0.1:${ports.listen} ssl`)
    .replace(/^ *listen \[::\].*$/m, '')
    .replace('/etc/ssl/usher/fullchain.pem', certificate)
    .replace('/etc/ssl/usher/privkey.pem', key)
    .replace('server 127.0.0.1:8080;', `server ${ports.usher};`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const lines = temporary.map((name) => `${name}_temp_path ${join(path, name)};`)
  const file = join(path, 'nginx.conf')
  writeFileSync(join(path, 'usher.conf'), site)
  writeFileSync(
    file,
    `daemon off; pid ${join(path, 'pid')}; error_log stderr; worker_processes 1;
     events {} http { access_log off; ${lines.join(' ')} include ${join(path, 'usher.conf')}; }`,
  )
  return file
}

test('nginx accepts the example', { skip }, (t) => {
  const file = writeConfig(t, { listen: 8443, usher: '127.0.0.1:8080' })
  const { status, stderr } = spawnSync('nginx', ['-t', '-c', file], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.doesNotMatch(stderr, /warn/)
})

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Sends a request through the proxy. Returns its status and body. */
function call(options: RequestOptions, body?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', rejectUnauthorized: false, agent: false, ...options },
      (incoming) => {
        let text = ''
        incoming.on('data', (chunk) => {
          text += chunk
        })
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

test('through the proxy, Usher sees the address of the caller, and the metrics are out of reach', {
  skip,
}, async (t) => {
  const usher = await serveNew({ USHER_TRUSTED_PROXIES: '127.0.0.1' })
  t.after(() => usher.end())
  const port = await findFreePort()
  const file = writeConfig(t, { listen: port, usher: new URL(usher.url).host })
  const nginx = spawn('nginx', ['-c', file], { stdio: 'ignore' })
  t.after(async () => {
    nginx.kill('SIGTERM')
    if (nginx.exitCode === null) await once(nginx, 'exit')
  })
  await waitUntil(
    () =>
      call({ port, path: '/docs' }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    30_000,
  )

  for (const path of [
    '/metrics',
    '/METRICS',
    '/metrics/',
    '//metrics',
    '/%6detrics',
    '/readyz',
    '/Healthz',
  ]) {
    const { status, text } = await call({ port, path })
    assert.equal(status, 404, path)
    assert.match(text, /nginx/, path)
  }
  const { client_id, client_secret } = usher.init.clients.osis
  const headers = {
    authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
    'content-type': 'application/json',
    'x-forwarded-for': '203.0.113.9',
  }
  const create = { port, path: '/api/v1/tenants', method: 'POST', headers, localAddress: '127.0.0.2' }
  const created = await call(create, JSON.stringify({ name: 'Acme', cd_tenant_ids: ['an-org'] }))
  assert.equal(created.status, 201, created.text)
  const words = ['audit', 'list', '--operation', 'CreateTenant']
  const entries = await usherJson<{ address?: string; target: string }[]>(usher.dataDir, words)
  assert.deepEqual(
    entries.filter(({ address }) => address !== undefined && address !== null).map(({ address }) => address),
    ['127.0.0.2'],
  )
})
