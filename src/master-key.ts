import { randomBytes, randomUUID } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { type Config, ConfigError } from './config.ts'
import { makeFolder } from './make-folder.ts'
import { linkIfPossible, syncPath } from './put-in-place.ts'
import { decodeMasterKeys, type MasterKeys } from './setting-values.ts'

/**
 * Loads the master keys, which encrypt the secrets of the directory, from the setting or from their file.
 * @param options.create whether to create a missing file with a new key; only for a directory without secrets
 * @throws {ConfigError} if the file is missing or wrong, or its mode lets others read it
 */
export function loadMasterKeys(
  config: Config,
  { create = false }: { readonly create?: boolean } = {},
): MasterKeys {
  if (config.masterKeys) return config.masterKeys
  const path = config.masterKeyFile
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (!found && create) return [createMasterKey(path)]
    if (!found) throw new Error(MISSING)
    if (isOpenToOthers(found))
      throw new Error(`may be read by others; its mode must be 0600: chmod 600 ${path}`)
    return parseLines(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError([`the master key file ${path} ${(error as Error).message}`])
  }
}

const MISSING =
  'is missing; without it the secrets in the directory cannot be opened: put it back from its copy, or name it in USHER_MASTER_KEY_FILE'

/**
 * Returns whether users other than root and the service can read a key file. Root may let the group of a service read
 * it, as Kubernetes does. A credential of systemd is root's, with mode 0440, and an ACL names its reader.
 */
function isOpenToOthers({ mode, uid, gid }: Stats): boolean {
  const isCredential = uid === 0 && gid === 0 && (mode & 0o777) === 0o440
  const isHandedOut = uid === 0 && process.geteuid?.() !== 0
  return !isCredential && (mode & (isHandedOut ? 0o037 : 0o077)) !== 0
}

function parseLines(text: string): MasterKeys {
  const lines = text.split('\n').map((line, i) => [`line ${i + 1}`, line.trim()] as const)
  const filled = lines.filter(([, line]) => line !== '')
  // In an empty file the first line is reported as wrong.
  return decodeMasterKeys(
    filled.length > 0 ? filled : lines.slice(0, 1),
    'must have 32 bytes in base64 on each line',
  )
}

function createMasterKey(path: string): Buffer {
  const key = randomBytes(32)
  const next = `${path}.${randomUUID()}`
  const write = (file: string): void =>
    writeFileSync(file, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  makeFolder(dirname(path))
  try {
    write(next)
    // The name never stands for a part of the key. Two first starts at the same moment must not create two keys, so
    // both ways fail if the file exists.
    if (!linkIfPossible(next, path)) write(path)
  } finally {
    rmSync(next, { force: true })
  }
  syncPath(dirname(path))
  return key
}

/**
 * Replaces the keys in an existing file. At every moment, even after a power failure, a reader finds either all old
 * keys or all new keys. Only one process may call this at a time.
 * @throws {ConfigError} if the file cannot be replaced; it is then unchanged
 */
export function writeMasterKeys(file: string, keys: MasterKeys): void {
  try {
    // If the path is a symbolic link, the link stays.
    const path = realpathSync(file)
    const next = `${path}.next`
    // A process that was killed may have left this file.
    rmSync(next, { force: true })
    writeDurably(next, statSync(path), keys.map((key) => `${key.toString('base64')}\n`).join(''))
    renameSync(next, path)
    syncPath(dirname(path))
  } catch (error) {
    throw new ConfigError([`the master key file ${file} cannot be replaced: ${(error as Error).message}`])
  }
}

function writeDurably(path: string, { uid, gid, mode }: Stats, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    // The servers must be able to read the file, even if another user runs this command.
    const isRoots = uid === 0
    fchownSync(file, uid, isRoots ? gid : -1)
    if (isRoots) fchmodSync(file, mode & 0o640)
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
