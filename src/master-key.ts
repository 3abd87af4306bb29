import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Config, ConfigError, parseMasterKey } from './config.ts'

/**
 * The key that seals every secret of the directory: from the setting, from its file, or newly made into the file.
 * @param mayMake whether a missing file may be made: only for a directory that holds nothing sealed yet
 * @throws {ConfigError} when the file cannot be used, or others may read it
 */
export function loadMasterKey(config: Config, mayMake: boolean): Buffer {
  if (config.masterKey) return config.masterKey
  const path = config.masterKeyFile
  try {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode
    if (mode === undefined && mayMake) return makeMasterKey(path)
    if (mode === undefined)
      throw new Error('is missing; without it the secrets in the directory cannot be opened')
    if ((mode & 0o077) !== 0) throw new Error('may be read by others; its mode must be 0600')
    return parseMasterKey(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ConfigError([`the master key file ${path} ${(error as Error).message}`])
  }
}

function makeMasterKey(path: string): Buffer {
  const key = randomBytes(32)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // 'wx': two first starts at once must not end up with two keys.
  writeFileSync(path, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  return key
}
