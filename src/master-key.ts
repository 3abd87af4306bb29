import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Config, ConfigError, decodeMasterKeys } from './config.ts'

/**
 * The keys that seal every secret of the directory, from the setting or from their file, or one newly made into the
 * file. The first seals, all of them open.
 * @param mayMake whether a missing file may be made: only for a directory that holds nothing sealed yet
 * @throws {ConfigError} when the file cannot be used, or others may read it
 */
export function loadMasterKeys(config: Config, mayMake: boolean): readonly Buffer[] {
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

function parseLines(text: string): readonly Buffer[] {
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
  return key
}
