import assert from 'node:assert/strict'
import { test } from 'node:test'
import { useServer } from '../../testing/environment.ts'
import { queryDatabase } from '../../testing/query.ts'
import { serveHere } from '../../testing/target.ts'
import { initialise, newDataDir, runUsher } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { onCluster } from '../support/postgres.ts'

const ALLOWED = { USHER_DATABASE_ALLOW_DATA_LOSS: 'true' }

/** Asserts that a command fails because of a setting of the database, with one plain line. */
async function assertRefused(path: string, args: readonly string[], setting: string): Promise<void> {
  const { code, stdout, stderr } = await runUsher(path, args)
  assert.deepEqual([code, stdout], [1, ''], stderr)
  assert.match(
    stderr,
    new RegExp(`^usher: [^\\n]*${setting} = off[^\\n]*USHER_DATABASE_ALLOW_DATA_LOSS[^\\n]*\\n$`),
  )
}

await onCluster('a database that may lose what it has committed', (cluster) => {
  useServer(cluster)

  /** Changes a setting of the database server, and waits until new connections use it. */
  const change = async (setting: string, value: 'off' | 'on'): Promise<void> => {
    await queryDatabase(cluster.url, `ALTER SYSTEM SET ${setting} = ${value}`)
    await queryDatabase(cluster.url, 'SELECT pg_reload_conf()')
    const isChanged = async (): Promise<boolean> =>
      (await queryDatabase(cluster.url, `SHOW ${setting}`))[0]?.[setting] === value
    await waitUntil(isChanged, 10_000)
  }

  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    test(`with ${setting} = off it is refused, unless loss is allowed`, async (t) => {
      const { path, remove } = newDataDir()
      await initialise(path)
      await change(setting, 'off')
      t.after(async () => {
        await change(setting, 'on')
        remove()
      })
      for (const args of [['serve'], ['init'], ['migrate'], ['organization', 'list']])
        await assertRefused(path, args, setting)
      const served = await serveHere(path, ALLOWED)
      assert.equal((await fetch(`${served.url}/readyz`)).status, 200)
      assert.equal(await served.stop(), 0)
    })
  }

  test('nothing is made in a database that is refused', async (t) => {
    const { path, remove } = newDataDir()
    const url = await cluster.createDatabase()
    const name = new URL(url).pathname.slice(1)
    await queryDatabase(cluster.url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
    t.after(remove)
    const settings = { USHER_DATABASE_URL: url }
    const { code } = await runUsher(path, ['serve'], settings)
    assert.equal(code, 1)
    assert.deepEqual(
      await queryDatabase(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"),
      [],
    )
  })

  test('with everything on it is served', async () => {
    const { path, remove } = newDataDir()
    const served = await serveHere(path)
    assert.equal((await fetch(`${served.url}/readyz`)).status, 200)
    assert.equal(await served.stop(), 0)
    remove()
  })
})
