import { mkdirSync, statSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'

/** Where Usher is installed. */
const ROOT = join(import.meta.dirname, '..')
/** When the cache is written, in milliseconds after the start: a server then has loaded everything. */
const FLUSH_MS = 15_000

/**
 * Turns on Node's compile cache, which halves the time to start. It takes the first folder that is this user's alone:
 * below the installation, the home or the data directory. A service user may not write to an installation that belongs
 * to root, and often has no home. `NODE_COMPILE_CACHE` names another folder; Node itself turns that one on.
 * @param {NodeJS.ProcessEnv} env
 * @returns {void}
 */
export function enableCompileCache(env) {
  if (env.NODE_COMPILE_CACHE) return
  const folder = listFolders(env).find(({ base, name }) => isOurs(base, join(base, name)))
  if (!folder) return
  module.enableCompileCache(join(folder.base, folder.name))
  // Node writes the cache at its end. A server that is killed would leave none for its next start.
  setTimeout(() => module.flushCompileCache(), FLUSH_MS).unref()
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ base: string, name: string }[]} folders; `base` is not created if it does not exist
 */
function listFolders({ XDG_CACHE_HOME, HOME, USHER_DATA_DIR }) {
  return [
    { base: ROOT, name: 'node_modules/.cache/usher' },
    XDG_CACHE_HOME ? { base: XDG_CACHE_HOME, name: 'usher' } : { base: HOME ?? '', name: '.cache/usher' },
    { base: USHER_DATA_DIR || 'data', name: 'compile-cache' },
  ].filter(({ base }) => base !== '')
}

/**
 * Makes a folder if possible, and checks it: Node runs what is in the cache, so others must not write there.
 * @param {string} base
 * @param {string} folder
 * @returns {boolean} whether the folder belongs to this user, and others can neither change nor replace it
 */
function isOurs(base, folder) {
  try {
    if (!statSync(base).isDirectory()) return false
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = statSync(folder)
    return uid === process.getuid?.() && (mode & 0o022) === 0 && [dirname(folder), base].every(isKept)
  } catch {
    return false
  }
}

/**
 * @param {string} path
 * @returns {boolean} whether only its owner, who is this user or root, can replace what is in a folder
 */
function isKept(path) {
  const { uid, mode } = statSync(path)
  const sticky = (mode & 0o1000) !== 0
  return (uid === 0 || uid === process.getuid?.()) && ((mode & 0o002) === 0 || sticky)
}
