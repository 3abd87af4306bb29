import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'acorn'
import { newDataDir } from '../../testing/usher.ts'

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'src/main.js')

/** What the program says instead of a syntax error. */
const REFUSAL =
  /^usher: Node 24\.15 or newer is required, and this is \d+\.\d+\.\d+ \(.+\)\nInstall a newer Node\./

test('the file that checks the version is written for Node 12', () => {
  // `import()` came with ES2020, but Node 12 knows it; it knows nothing else that is newer than ES2018.
  const source = readFileSync(MAIN, 'utf8').replaceAll('import(', 'load(')
  for (const sourceType of ['script', 'module'] as const) {
    assert.doesNotThrow(() => parse(source, { ecmaVersion: 2018, sourceType, allowHashBang: true }))
  }
})

for (const version of ['12.22.12', '18.20.8', '22.18.0', '24.14.1']) {
  test(`Node ${version} is refused with what to do`, () => {
    const fake = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
    const imported = `data:text/javascript,${encodeURIComponent(fake)}`
    const { status, stderr } = spawnSync(process.execPath, ['--import', imported, MAIN, 'serve'])
    assert.equal(status, 1)
    assert.match(String(stderr), REFUSAL)
    assert.match(String(stderr), new RegExp(`this is ${version}`))
    assert.match(String(stderr), /npm ci --include=dev/)
  })
}

/** Finds a Node on this machine that is too old; the packages bring one that is not. */
function findOldNode(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const nodes = folders.map((folder) => join(folder, 'node')).filter((file) => existsSync(file))
  return nodes.find((file) => /^v(1[2-9]|2[0-3])\./.test(String(spawnSync(file, ['--version']).stdout)))
}

const old = findOldNode()

test("this machine's own, older Node is refused: plain, through the bin, and by npm without the development packages", {
  skip: old === undefined && 'this machine has no Node that is too old',
}, (t) => {
  if (old === undefined) return
  const clone = newDataDir()
  t.after(clone.remove)
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(ROOT, name), join(clone.path, name))
  for (const name of ['src', 'console']) symlinkSync(join(ROOT, name), join(clone.path, name))
  symlinkSync(MAIN, join(clone.path, 'usher'))
  const env = {
    ...process.env,
    PATH: [dirname(old), '/usr/bin', '/bin'].join(delimiter),
    NODE_ENV: 'production',
  }
  const runs = [
    [old, MAIN, 'serve'],
    [join(clone.path, 'usher'), 'serve'],
    ['npm', 'start', '--silent'],
    ['npm', 'run', '--silent', 'usher', '--', 'init'],
    ['npm', 'test', '--silent'],
  ]
  for (const [command = '', ...args] of runs) {
    const { status, stderr } = spawnSync(command, args, { cwd: clone.path, env })
    assert.match(String(stderr), REFUSAL, command)
    assert.equal(status, 1)
  }
})

test('an installation that cannot be loaded says what to do', (t) => {
  const place = newDataDir()
  t.after(place.remove)
  // Real files: Node looks for packages beside the real path of a file.
  cpSync(join(ROOT, 'src'), join(place.path, 'src'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(place.path, 'package.json'))
  const below = join(place.path, 'node_modules/usher')
  cpSync(join(ROOT, 'src'), join(below, 'src'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(below, 'package.json'))
  const run = (main: string, ...options: string[]): string =>
    String(spawnSync(process.execPath, [...options, realpathSync(main), '--version']).stderr)
  assert.match(run(join(place.path, 'src/main.js')), /^usher: .*'commander'.*\n.*run `npm ci`.*\n$/)
  assert.match(
    run(join(below, 'src/main.js')),
    /^usher: .*\n.*Install the package that `npm pack` makes\.\n$/,
  )
  rmSync(join(place.path, 'src/version.ts'))
  symlinkSync(join(ROOT, 'node_modules/commander'), join(place.path, 'node_modules/commander'))
  assert.match(run(join(place.path, 'src/main.js')), /^usher: .*version\.ts'\n.*run `npm ci`.*\n$/)
  assert.match(run(MAIN, '--no-strip-types'), /^usher: .*\n.*Leave out --no-strip-types.*\n$/)
})
