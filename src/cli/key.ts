import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type Config, ConfigError, type MasterKeys } from '../config.ts'
import type { Directory } from '../directory/directory.ts'
import { type Resealed, recordRotation, resealSecrets, sealingDelay } from '../directory/sealing/rotation.ts'
import { loadMasterKeys, writeMasterKeys } from '../master-key.ts'
import type { Context } from '../model/context.ts'
import { takeFileLock } from '../store/open.ts'
import { type Command, type Output, withDirectory } from './command.ts'

export const rotate: Command = {
  name: 'key rotate',
  summary: 'Put a new master key in place of the old one, while Usher serves',
  options: {
    'reseal-only': {
      type: 'boolean',
      help: 'Seal every secret under the first of the keys that are set, and change no key file',
    },
  },
  async run(input) {
    const { config } = input
    if (input.flag('reseal-only')) return withDirectory(config, (dir, ctx) => resealOnly(config, dir, ctx))
    if (config.masterKeys) {
      throw new ConfigError([
        'USHER_MASTER_KEY is set, which no command can change; docs/operating.md says how to rotate it',
      ])
    }
    return withDirectory(config, (dir, ctx) => rotateFile(config, dir, ctx))
  },
}

/**
 * Each step may be the last one before the process is killed: at any moment the file has every key under which
 * anything is sealed, and the next run goes on from there.
 */
async function rotateFile(config: Config, dir: Directory, ctx: Context): Promise<Output> {
  const file = config.masterKeyFile
  const lock = takeFileLock(
    `${realpathSync(file)}-rotating`,
    `the master key in ${file} is being rotated by another process`,
  )
  try {
    const found = loadMasterKeys(config, false)
    // Several keys: a rotation has not come to its end. A third key would only make that harder.
    const goesOn = found.length > 1
    const keys: MasterKeys = goesOn ? found : [randomBytes(32), ...found]
    await recordRotation(dir, ctx, keys[0])
    if (!goesOn) writeMasterKeys(file, keys)
    await pause(sealingDelay(dir))
    const result = await resealSecrets(dir, ctx, keys)
    if (result.unopened.length === 0) writeMasterKeys(file, [keys[0]])
    return describe(result, 'It is the only one in the file.')
  } finally {
    lock.close()
  }
}

async function resealOnly(config: Config, dir: Directory, ctx: Context): Promise<Output> {
  const keys = loadMasterKeys(config, false)
  await recordRotation(dir, ctx, keys[0])
  await pause(sealingDelay(dir))
  return describe(await resealSecrets(dir, ctx, keys), 'Others may be taken away.')
}

/** @param others what becomes of the other keys when all is well */
function describe(result: Resealed, others: string): Output {
  const { key, resealed, checked, unopened } = result
  const lines = unopened.map((identity) => `the secret of ${identity} cannot be opened`)
  const summary =
    unopened.length === 0
      ? `Re-sealed ${resealed} secrets under the master key ${key}, which opens all ${checked}. ${others}`
      : `Re-sealed ${resealed} secrets under the master key ${key}, which opens all ${checked} but these ${unopened.length}. The other keys are still needed.`
  return { json: result, text: [...lines, summary].join('\n'), failed: unopened.length > 0 }
}
