import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import { newDataDir } from '../../testing/usher.ts'

const ROOT = join(import.meta.dirname, '../..')
const TEXT = readFileSync(join(ROOT, 'docs/getting-started.md'), 'utf8')

/** The blocks of the document that a reader pastes, without the one that serves until it is stopped. */
const BLOCKS = [...TEXT.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)]
  .map(([, block = '']) => block)
  .filter((block) => !/^ *usher serve$/m.test(block))

/** A folder that looks like a fresh clone after `npm ci`. */
function newClone(): { path: string; remove: () => void } {
  const clone = newDataDir()
  for (const name of ['src', 'node_modules', 'package.json'])
    symlinkSync(join(ROOT, name), join(clone.path, name))
  return clone
}

/** Stands for npm, and runs the program at once: npm takes four times as long to start it. */
const NPM = `npm() { [ "$1 $2 $3 $4" = 'run -s usher --' ] || return 1; node src/main.js "\${@:5}"; }\n`

function paste(folder: string, script: string): { status: number | null; stdout: string; stderr: string } {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(USHER|npm)_/.test(name))
  const env = { ...Object.fromEntries(inherited), PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
  return spawnSync('bash', ['-c', FULL_LENGTH ? script : NPM + script], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
}

test('getting started works as pasted, in a directory of its own', (t) => {
  const { path, remove } = newClone()
  t.after(remove)
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { usher: string }
  }
  assert.equal(scripts.usher, 'node src/main.js', 'what stands for npm runs something else')
  const { status, stdout, stderr } = paste(path, `set -e\n${BLOCKS.join('\n')}`)
  // A note of commands that a server completes.
  const problems = stderr.replaceAll(/^usher: A running server applies it .*\n/gm, '')
  assert.deepEqual([status, problems], [0, ''])
  for (const name of ['Nimbus Cloud', 'Cirrus Partners', 'Cirrus billing', 'grace@acme.example'])
    assert.ok(stdout.includes(name), name)
  assert.ok(existsSync(join(path, 'my-data/usher.db')))
  assert.equal(existsSync(join(path, 'data')), false)
})

test('no block of it, pasted alone into another terminal, writes into the directory of the example', (t) => {
  const { path, remove } = newClone()
  t.after(remove)
  paste(path, 'npm run -s usher -- init')
  const before = paste(path, 'npm run -s usher -- audit list --json').stdout
  assert.match(before, /"operation"/)
  for (const block of BLOCKS) paste(path, block)
  assert.equal(paste(path, 'npm run -s usher -- audit list --json').stdout, before)
  assert.deepEqual(
    readdirSync(path).filter((name) => /data/.test(name)),
    ['data', 'my-data'],
  )
})

test('git ignores the directories of the example and of getting started', () => {
  for (const name of ['data/usher.db', 'my-data/usher.db', 'my-data/master.key']) {
    assert.equal(
      spawnSync('git', ['check-ignore', '--quiet', '--no-index', name], { cwd: ROOT }).status,
      0,
      name,
    )
  }
})
