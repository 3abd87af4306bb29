import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServing } from '../../testing/children.ts'
import { newCreates, prepareCreates } from '../../testing/creates.ts'
import { initialise, newDataDir } from '../../testing/usher.ts'
import { onCluster } from '../support/postgres.ts'

/** The longest wait of a caller: for its place in the queue, for a connection, and for the database. */
const RESPONSE_LIMIT_MS = 20_000
const STOP_LIMIT_MS = 11_000

await onCluster('a database that falls silent', (cluster) => {
  test('creates get a 503 in time, go on when it is back, and it does not keep Usher from stopping', async (t) => {
    const { path, remove } = newDataDir()
    const settings = {
      USHER_DATABASE_URL: await cluster.createDatabase(),
      USHER_PUBLIC_URL: 'http://usher.example',
    }
    const init = await initialise(path, settings)
    const served = await startServing(path, { settings, limitMs: 120_000 })
    t.after(async () => {
      cluster.thaw()
      served.process.kill('SIGKILL')
      await served.ended
      remove()
    })
    const creates = newCreates(served.at, { init, ...(await prepareCreates(served.at, init)) })
    cluster.freeze()
    const begun = Date.now()
    const responses = await Promise.all(
      Array.from({ length: 600 }, (_, i) => creates.portal(`${i}@example.com`)),
    )
    assert.deepEqual([...new Set(responses.map(({ status }) => status))], [503])
    assert.ok(Date.now() - begun < RESPONSE_LIMIT_MS, `the last response took ${Date.now() - begun} ms`)
    cluster.thaw()
    assert.ok([200, 201].includes((await creates.portal('0@example.com')).status))
    cluster.freeze()
    const stopping = Date.now()
    served.process.kill('SIGTERM')
    assert.equal((await served.ended).code, 0)
    assert.ok(Date.now() - stopping < STOP_LIMIT_MS, `the stop took ${Date.now() - stopping} ms`)
  })
})
