import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { type Config, ConfigError } from './config.ts'
import { decodeMasterKeys, type MasterKeys } from './setting-values.ts'

/**
 * The keys that seal every secret of the directory, from the setting or from their file, or one newly made into the
 * file.
 * @param mayMake whether a missing file may be made: only for a directory that holds nothing sealed yet
 * @throws {ConfigError} when the file cannot be used, or others may read it
 */
export function loadMasterKeys(config: Config, mayMake: boolean): MasterKeys {
  if (config.masterKeys) return config.masterKeys
  const path = config.masterKeyFile
  try {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode
    if (mode === undefined && mayMake) return [makeMasterKey(path)]
    if (mode === undefined)
      throw new Error('is missing; without it the secrets in the directory cannot be opened')
    if ((mode & 0o077) !== 0) throw new Error('may be read by others; its mode must be 0600')
    return parseLines(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError([`the master key file ${path} ${(error as Error).message}`])
  }
}

function parseLines(text: string): MasterKeys {
  const lines = text.split('\n').map((line, i) => [`line ${i + 1}`, line.trim()] as const)
  const filled = lines.filter(([, line]) => line !== '')
  // An empty file is judged by its first line.
  return decodeMasterKeys(
    filled.length > 0 ? filled : lines.slice(0, 1),
    'must have 32 bytes in base64 a line',
  )
}

function makeMasterKey(path: string): Buffer {
  const key = randomBytes(32)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // 'wx': two first starts at once must not end up with two keys.
  writeFileSync(path, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  syncFolder(dirname(path))
  return key
}

/**
 * Replaces the keys in their file, which must be there. Whoever reads it at any moment, also after a power failure,
 * finds all of the keys before or all of these. To be called by one process at a time.
 * @throws {ConfigError} when that cannot be done; the file is then as it was
 */
export function writeMasterKeys(file: string, keys: MasterKeys): void {
  try {
    // Where a link leads to the file, the link stays.
    const path = realpathSync(file)
    const next = `${path}.next`
    // One that was killed may have left it behind.
    rmSync(next, { force: true })
    writeDurably(next, statSync(path).uid, keys.map((key) => `${key.toString('base64')}\n`).join(''))
    renameSync(next, path)
    syncFolder(dirname(path))
  } catch (error) {
    throw new ConfigError([`the master key file ${file} cannot be replaced: ${(error as Error).message}`])
  }
}

function writeDurably(path: string, owner: number, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    // The servers go on reading it, whoever runs this.
    fchownSync(file, owner, -1)
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Brings to the disk which files a folder has. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
