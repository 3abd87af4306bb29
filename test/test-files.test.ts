import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

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

test('npm test runs each test file once, alone or in a group', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const script of [scripts.test, scripts.coverage] as string[]) {
    const patterns = [...script.matchAll(/"(test\/[^"]+)"/g)].map(([, pattern = '']) => pattern)
    const started = patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
    const run = [...started, ...started.flatMap(filesOfGroup)]
    assert.deepEqual(run.sort(), globSync('test/**/*.test.ts', { cwd: ROOT }).sort())
  }
})
