import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startChild } from '../../testing/children.ts'
import { connectPostgres, queryDatabase } from '../../testing/query.ts'
import { newDataDir, runUsher } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { onCluster } from '../support/postgres.ts'

await onCluster('a start that does not end', (cluster) => {
  test('a signal ends it after the limit of a stop, with 1 and the reason', async (t) => {
    const { path, remove } = newDataDir()
    t.after(remove)
    const url = await cluster.createDatabase()
    const settings = { USHER_DATABASE_URL: url }
    assert.equal((await runUsher(path, ['init'], settings)).code, 0)
    const other = await connectPostgres(url)
    t.after(() => other.end())
    await other.query('begin')
    await other.query('lock table migrations in access exclusive mode')
    const child = await startChild(path, { settings, args: ['serve'], limitMs: 60_000 })
    const waiting =
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    await waitUntil(async () => (await queryDatabase(url, waiting)).length > 0, 30_000)
    const begun = Date.now()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) child.process.kill(signal)
    const { code, stderr } = await child.ended
    assert.equal(code, 1)
    assert.match(stderr, /"afterMs":9500,"msg":"gave up/)
    assert.ok(Date.now() - begun > 9_000 && Date.now() - begun < 12_000)
  })
})
