import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { initialise, newDataDir, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
after(remove)

/** Returns the files of the data directory that hold a text. */
function listFilesWith(text: string): string[] {
  return readdirSync(path).filter((name) => readFileSync(join(path, name)).includes(text))
}

test('the files of the store hold no value of an erased user', async () => {
  const { customer } = await initialise(path)
  const names = [
    '--first-name',
    'Xenia-Erasmus',
    '--last-name',
    'Quintessa',
    '--email',
    'xe@quintessa.example',
  ]
  const add = ['user', 'add', '--organization', customer.id, ...names]
  const { id } = await usherJson<{ id: string }>(path, add)
  await usherJson(path, ['user', 'change', id, '--last-name', 'Zephyrina'])
  const values = ['Xenia-Erasmus', 'xenia-erasmus', 'xe@quintessa.example', 'Zephyrina', 'zephyrina']
  assert.deepEqual(listFilesWith('Xenia-Erasmus'), ['usher.db'])
  await usherJson(path, ['user', 'erase', id, '--force'])
  for (const value of [...values, 'Quintessa']) assert.deepEqual(listFilesWith(value), [], value)
  assert.deepEqual(listFilesWith(id), ['usher.db'])
})
