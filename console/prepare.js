import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync, utimesSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

// Builds the console unless its sources are those of the last build. npm runs this at the end of `npm ci`, with the
// machine's own Node, which may be old: so this file is plain JavaScript. `--required` makes a console that cannot be
// built an error. Without it, Usher serves its APIs all the same.

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = join(HERE, '..')
/** What the last build left. */
export const BUILD_FILE = join(HERE, 'dist/build.json')
/** Vite and Node's stripping of types need at least this version. */
const OLDEST_NODE = 24

/**
 * Returns a hash of everything that a build depends on.
 * @returns {string}
 */
export function hashSources() {
  const hash = createHash('sha256')
  for (const file of [...listFiles(HERE), join(ROOT, 'package-lock.json')]) {
    const bytes = readFileSync(file)
    hash.update(`${relative(ROOT, file).split(sep).join('/')} ${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex')
}

/**
 * @param {string} folder
 * @returns {string[]} the files in it and below, but not those that a build makes
 */
function listFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => folder !== HERE || !name.startsWith('dist'))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? listFiles(path) : [path]
    })
}

/** @returns {boolean} whether the last build is of these sources */
function isBuilt() {
  try {
    return JSON.parse(readFileSync(BUILD_FILE, 'utf8')).sources === hashSources()
  } catch {
    return false
  }
}

/** @returns {string | undefined} why the console cannot be built */
function build() {
  if (!existsSync(join(ROOT, 'node_modules/vite')))
    return 'The console has not been built: that takes the development packages. Run npm ci without --omit=dev.'
  const own = join(ROOT, 'node_modules/.bin/node')
  const isNew = Number(process.versions.node.split('.')[0]) >= OLDEST_NODE
  const { status, error } = spawnSync(isNew ? process.execPath : own, [join(HERE, 'build.ts')], {
    stdio: 'inherit',
  })
  if (status === 0) return undefined
  return `The console has not been built${error ? `: ${error.message}` : ''}. Run npm run console:build.`
}

function main() {
  if (isBuilt()) {
    try {
      // Else `is-built` would start this at every start: a file is newer, though its content is the same.
      utimesSync(BUILD_FILE, new Date(), new Date())
    } catch {
      // The installation belongs to another user.
    }
    return
  }
  const problem = build()
  if (problem === undefined) return
  console.error(problem)
  if (process.argv.includes('--required')) process.exitCode = 1
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main()
