import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { LONGEST, listTestFiles } from '../testing/test-files.ts'

const ROOT = join(import.meta.dirname, '..')

/** Returns the test files that a group of a folder runs: a call of `together` with its share. */
function filesOfGroup(group: string): string[] {
  const share = /together\(import\.meta\.dirname, \{ part: (\d+), of: (\d+) \}\)/.exec(
    readFileSync(join(ROOT, group), 'utf8'),
  )
  if (!share) return []
  const [part, of] = [Number(share[1]), Number(share[2])]
  const files = globSync(`${dirname(group)}/*.test.ts`, { cwd: ROOT })
    .filter((file) => /\/[^./]+\.test\.ts$/.test(file))
    .sort()
  return files.filter((_, i) => i % of === part - 1)
}

/** Returns the files that are started, and those that these run as groups. */
function withGroups(started: readonly string[]): string[] {
  return [...started, ...started.flatMap(filesOfGroup)].sort()
}

const all = globSync('test/**/*.test.ts', { cwd: ROOT }).sort()

test('npm test runs each test file once, alone or in a group', () => {
  assert.deepEqual(withGroups(listTestFiles()), all)
})

test('the files that take longest start first', () => {
  assert.deepEqual(listTestFiles().slice(0, LONGEST.length), LONGEST)
})

test('npm run coverage runs each test file once', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const patterns = [...String(scripts.coverage).matchAll(/"(test\/[^"]+)"/g)].map(
    ([, pattern = '']) => pattern,
  )
  assert.deepEqual(withGroups(patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))), all)
})
