import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { startChild } from '../testing/children.ts'
import { startRgw } from '../testing/rgw.ts'
import { newDataDir } from '../testing/usher.ts'
import { type Authority, newAuthority, type ServerCertificate } from './support/certificates.ts'
import { explainCertificates } from './support/explain-certificates.ts'

const EXPLAIN = join(import.meta.dirname, 'support/explain-certificates.ts')
const run = promisify(execFile)

let authority: Authority
const servers: Server[] = []

before(() => {
  authority = newAuthority()
})
after(() => {
  authority.remove()
  for (const server of servers) server.close()
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return (server.address() as AddressInfo).port
}

/** Starts an HTTPS server, and counts its requests. */
async function startHttps(certificate: ServerCertificate): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = []
  const server = createHttps(certificate, (request, response) => {
    requests.push(request.url ?? '')
    response.end('{"keys":[]}')
  })
  server.on('tlsClientError', () => undefined)
  return { url: `https://127.0.0.1:${await listen(server)}`, requests }
}

/** Starts a server that agrees to go on with TLS, as PostgreSQL does. */
async function startDatabase(certificate: ServerCertificate): Promise<string> {
  const server = createTcp((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('S')
      new TLSSocket(socket, { isServer: true, ...certificate }).on('error', () => undefined)
    })
  })
  return `postgres://usher:hunter2@127.0.0.1:${await listen(server)}/usher?sslmode=verify-full`
}

const CASES: readonly (readonly [name: string, make: () => ServerCertificate, says: RegExp])[] = [
  [
    'expired',
    () => authority.issue({ until: '20240229120000Z' }),
    /its certificate expired at 2024-02-29T12:00:00.000Z; renew it \(CERT_HAS_EXPIRED\)/,
  ],
  [
    'not valid yet',
    () => authority.issue({ from: '20900101000000Z' }),
    /is not valid yet until 2090-01-01T00:00:00.000Z, and the time here is 20.*; check the clocks/,
  ],
  [
    'for other names',
    () => authority.issue({ name: 'DNS:rgw.example,DNS:s3.example' }),
    /not for the name 127\.0\.0\.1\. It is for rgw\.example, s3\.example\. Use one of its names/,
  ],
  [
    'self-signed',
    () => authority.selfSign('IP:127.0.0.1'),
    /its certificate is self-signed by CN=by hand; to trust it, set .*NODE_EXTRA_CA_CERTS/,
  ],
  [
    'of an unknown issuer',
    () => authority.issue(),
    /its certificate was issued by CN=Acme CA, O=Acme, which is not trusted here; to trust this authority, set .*NODE_EXTRA_CA_CERTS/,
  ],
]

/** In a process that trusts the authority, the issuer is not the first thing that is wrong. */
const NEEDS_TRUST = ['expired', 'not valid yet', 'for other names']

for (const [name, make, says] of CASES) {
  test(`a certificate that is ${name} is said so: gateway, key set, database`, async () => {
    const certificate = make()
    const { url, requests } = await startHttps(certificate)
    const database = await startDatabase(certificate)
    const reasons = NEEDS_TRUST.includes(name)
      ? await explainTrusting(url, database)
      : await explainCertificates(url, database)
    assert.deepEqual(requests, [])
    assert.equal(reasons.length, 3)
    for (const reason of reasons) {
      assert.match(reason, says)
      assert.doesNotMatch(reason, /hunter2/)
    }
  })
}

/** Explains in a process that trusts the authority: Node reads the file when it starts. */
async function explainTrusting(url: string, database: string): Promise<string[]> {
  const args = [url, database].map((one) => JSON.stringify(one)).join()
  const script = `const { explainCertificates } = await import(${JSON.stringify(EXPLAIN)})
    process.stdout.write(JSON.stringify(await explainCertificates(${args})))`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority.file }
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env })
  return JSON.parse(stdout) as string[]
}

test('plain HTTP where TLS is expected is said so', async () => {
  const rgw = await startRgw()
  const url = (rgw.settings.USHER_CEPH_RGW_URL ?? '').replace('http:', 'https:')
  const [reason] = await explainCertificates(url, 'sqlite:')
  assert.match(reason ?? '', /it does not speak TLS on port \d+ \(.*\); check the URL/)
  rgw.close()
})

test('with a trusted authority the program speaks HTTP/1.1 over TLS with the gateway', async () => {
  const rgw = await startRgw(authority.issue())
  const { path, remove } = newDataDir()
  try {
    const settings = { ...rgw.settings, NODE_EXTRA_CA_CERTS: authority.file }
    const init = await startChild(path, { args: ['init'], settings })
    assert.equal((await init.ended).code, 0)
    const status = await startChild(path, { args: ['platform', 'status', '--json'], settings })
    const { code, stdout, stderr } = await status.ended
    assert.deepEqual([code, stderr], [0, ''])
    const { platform } = JSON.parse(stdout) as { platform: { health: string; cluster: string | null } }
    assert.equal(platform.health, 'NORMAL')
    assert.deepEqual([...rgw.versions], ['1.1'])
  } finally {
    rgw.close()
    remove()
  }
})
