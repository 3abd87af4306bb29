import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTarget } from '../../testing/target.ts'
import { runUsher } from '../../testing/usher.ts'
import { sqliteFiles } from '../support/sqlite-files.ts'
import { storeCopySuite } from './store-copy.suite.ts'

const newUrl = sqliteFiles()

storeCopySuite('from SQLite to SQLite', { from: newUrl, to: newUrl })

test('a SQLite file that is served is not copied, since it could change meanwhile', async (t) => {
  const usher = await startTarget()
  t.after(() => usher.end())
  const args = ['store', 'copy', '--from', `sqlite:${usher.dataDir}/usher.db`, '--to', await newUrl()]
  const { code, stderr } = await runUsher(usher.dataDir, args)
  assert.equal(code, 1)
  assert.match(stderr, /another Usher already serves /)
})

test('a store that is not there is not made by being copied', async () => {
  const { code, stderr } = await runUsher('/nowhere', [
    'store',
    'copy',
    '--from',
    await newUrl(),
    '--to',
    await newUrl(),
  ])
  assert.equal(code, 1)
  assert.match(stderr, /there is no store at/)
})
