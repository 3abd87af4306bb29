import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Init, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

test('a store behind a symbolic link is written to like any other', async () => {
  const { path, remove } = newDataDir()
  mkdirSync(join(path, 'elsewhere'))
  const settings = { USHER_DATABASE_URL: `sqlite:${join(path, 'link.db')}` }
  symlinkSync(join(path, 'elsewhere/real.db'), join(path, 'link.db'))
  const { customer } = await usherJson<Init>(path, ['init'], settings)
  const words = ['user', 'add', '--organization', customer.id, '--email', 'ada@example.com']
  assert.equal((await runUsher(path, words, settings)).code, 0)
  remove()
})
