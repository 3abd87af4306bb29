import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { openUnmigrated } from '../../src/store/open.ts'
import { StoreError } from '../../src/store/port.ts'
import { queryDatabase } from '../../testing/query.ts'
import { type Authority, newAuthority } from '../support/certificates.ts'
import { onCluster } from '../support/postgres.ts'

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'

await onCluster('TLS to PostgreSQL', (cluster) => {
  let authority: Authority
  let other: Authority

  before(() => {
    if (skip) return
    authority = newAuthority()
    other = newAuthority()
  })
  after(() => {
    authority?.remove()
    other?.remove()
  })

  const withMode = (parameters: string, base = cluster.url): string =>
    parameters === '' ? base : `${base}?${parameters}`

  /** Returns whether a store's connection uses TLS. */
  async function usesTls(url: string): Promise<boolean> {
    const store = await openUnmigrated(url)
    try {
      const query = sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
      const rows = await store.read((tx) => tx.query((db) => ({ compile: () => query.compile(db) })))
      return rows[0]?.ssl === true
    } finally {
      await store.close()
    }
  }

  async function assertRefused(url: string, message: RegExp): Promise<void> {
    const { password } = new URL(cluster.url)
    const store = await openUnmigrated(url)
    after(() => store.close())
    await assert.rejects(store.listMigrations(), (error: Error) => {
      const { message: text } = error
      assert.ok(error instanceof StoreError, String(error))
      assert.match(text, message)
      assert.ok(!text.includes(password), text)
      return true
    })
  }

  /** Writes a file into the server's folder, as the server: only its own user may read a key. */
  async function writeToServer(name: string, text: string): Promise<void> {
    const lines = `SELECT line FROM unnest(string_to_array('${text}', E'\\n')) AS line`
    await queryDatabase(cluster.url, `COPY (${lines}) TO PROGRAM 'umask 077; cat > ${name}'`)
  }

  /** Restarts the server with TLS and a certificate for these names. */
  async function serveTls(name: string): Promise<void> {
    const { cert, key } = authority.issue({ name })
    await writeToServer('own.pem', cert.trim())
    await writeToServer('own.key', key.trim())
    for (const setting of ["ssl_cert_file = 'own.pem'", "ssl_key_file = 'own.key'", 'ssl = on'])
      await queryDatabase(cluster.url, `ALTER SYSTEM SET ${setting}`)
    await cluster.stop()
    await cluster.start()
  }

  test('without TLS on the server', async () => {
    for (const parameters of ['', 'sslmode=disable', 'sslmode=allow', 'sslmode=prefer'])
      assert.equal(await usesTls(withMode(parameters)), false, parameters)
    for (const mode of ['require', 'verify-full'])
      await assertRefused(withMode(`sslmode=${mode}`), /the database postgres at 127\.0\.0\.1:\d+ has no TLS/)
  })

  test('a failed unit names the database with its port', async () => {
    const { port } = new URL(cluster.url)
    const wrong = Object.assign(new URL(cluster.url), { password: 'hunter2' }).href
    const where = `the database postgres at 127\\.0\\.0\\.1:${port}`
    await assert.rejects(usesTls(wrong), new RegExp(`${where} failed: password authentication failed`))
  })

  test('a missing or wrong password is named as such, with the port', async () => {
    const { port } = new URL(cluster.url)
    const where = `the database postgres at 127\\.0\\.0\\.1:${port}`
    for (const mode of ['', '?sslmode=disable'])
      await assertRefused(
        `postgres://usher@127.0.0.1:${port}/postgres${mode}`,
        new RegExp(`${where} asks for a password`),
      )
    const wrong = Object.assign(new URL(cluster.url), { password: 'hunter2' }).href
    await assertRefused(wrong, new RegExp(`${where} failed: password authentication failed`))
  })

  test('with a certificate of a private authority', { skip }, async () => {
    await serveTls('IP:127.0.0.1,DNS:localhost')
    const own = `sslrootcert=${authority.file}`
    const wrong = `sslrootcert=${other.file}`
    for (const mode of ['disable', 'allow'])
      assert.equal(await usesTls(withMode(`sslmode=${mode}`)), false, mode)
    const accepted = ['', 'sslmode=prefer', 'sslmode=require', `sslmode=prefer&${wrong}`]
    for (const mode of ['require', 'verify-ca', 'verify-full']) accepted.push(`sslmode=${mode}&${own}`)
    for (const parameters of accepted) assert.equal(await usesTls(withMode(parameters)), true, parameters)
    const named = cluster.url.replace('127.0.0.1', 'localhost')
    assert.equal(await usesTls(withMode(`sslmode=verify-full&${own}`, named)), true)
    const refused = ['sslmode=verify-full', 'sslrootcert=system']
    for (const mode of ['require', 'verify-ca', 'verify-full']) refused.push(`sslmode=${mode}&${wrong}`)
    for (const parameters of refused)
      await assertRefused(withMode(parameters), /cannot be reached: .*certificate/)
  })

  test('with a certificate for another name', { skip }, async () => {
    await serveTls('DNS:elsewhere.example')
    const own = `sslrootcert=${authority.file}`
    for (const mode of ['require', 'verify-ca'])
      assert.equal(await usesTls(withMode(`sslmode=${mode}&${own}`)), true, mode)
    for (const url of [cluster.url, cluster.url.replace('127.0.0.1', 'localhost')])
      await assertRefused(
        withMode(`sslmode=verify-full&${own}`, url),
        /is not for the name .* It is for elsewhere\.example/,
      )
  })

  test('allow and prefer take the other way if the server refuses the first', { skip }, async () => {
    const only = (kind: string): string => `${kind} all all 127.0.0.1/32 scram-sha-256`
    await writeToServer('pg_hba.conf', only('hostnossl'))
    await cluster.stop()
    await cluster.start()
    for (const mode of ['prefer', 'allow', 'disable'])
      assert.equal(await usesTls(withMode(`sslmode=${mode}`)), false, mode)
    await assertRefused(withMode('sslmode=require'), /no pg_hba.conf entry/)
    await writeToServer('pg_hba.conf', only('hostssl'))
    await cluster.stop()
    await cluster.start()
    for (const mode of ['prefer', 'allow', 'require'])
      assert.equal(await usesTls(withMode(`sslmode=${mode}`)), true, mode)
    await assertRefused(withMode('sslmode=disable'), /no pg_hba.conf entry/)
  })
})
