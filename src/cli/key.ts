import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { rotateSigningKey } from '../auth/signing-keys.ts'
import { ConfigError } from '../config.ts'
import { listRefreshTokens } from '../directory/refresh-tokens.ts'
import { type Resealed, recordRotation, resealSecrets, sealingDelay } from '../directory/sealing/rotation.ts'
import { listSigningKeys } from '../directory/sealing/signing-keys.ts'
import { loadMasterKeys, writeMasterKeys } from '../master-key.ts'
import type { MasterKeys } from '../setting-values.ts'
import { takeFileLock } from '../store/open.ts'
import { action, type Opened, type Output, type Session, withDirectory } from './command.ts'
import { formatTable } from './table.ts'

/** `usher key`: the master key, which encrypts all secrets of the directory, and the keys that sign tokens. */
export function defineKey(key: Command, session: Session): void {
  key
    .command('rotate')
    .description('Replace the master key; the server need not be stopped')
    .option(
      '--reseal-only',
      'Leave the key file as it is; encrypt all secrets again with the first of the configured keys',
    )
    .action(
      action(session, (options: { resealOnly?: true }) => {
        const wait = session.io.pause ?? pause
        return withDirectory(session, (opened) =>
          options.resealOnly ? resealOnly(opened, wait) : rotate(opened, wait),
        )
      }),
    )
  key
    .command('rotate-signing')
    .description('Replace the key that signs tokens; the server need not be stopped')
    .option('--now', 'Delete the old key at once: tokens that it has signed are refused within 5 seconds')
    .action(action(session, ({ now = false }: { now?: boolean }) => rotateSigning(session, now)))
  key
    .command('list')
    .description('List the keys that sign tokens, newest first')
    .action(action(session, () => list(session)))
}

function list(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json = await listSigningKeys(dir, ctx)
    const rows = json.map((one) => [one.kid, one.state, one.createdAt, one.signsAt, one.expiresAt])
    return { json, lines: formatTable(['ID', 'STATE', 'CREATED', 'SIGNS FROM', 'DELETED AT'], rows) }
  })
}

function rotateSigning(session: Session, now: boolean): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const before = await listSigningKeys(dir, ctx)
    const key = await rotateSigningKey(dir, ctx, { now })
    const after = await listSigningKeys(dir, ctx)
    const tokens = await listRefreshTokens(dir, ctx)
    const ending = tokens.filter((one) => !one.recorded && one.revokedAt === null).map((one) => one.id)
    const made = after.filter((one) => one.kid === key).map((one) => `It signs from ${one.signsAt} on.`)
    const old = before.map(({ kid }) => {
      const kept = after.find((one) => one.kid === kid)
      return kept
        ? `The key ${kid} stays valid until ${kept.expiresAt}, for the tokens that it has signed.`
        : `The key ${kid} is deleted: within 5 seconds, its access tokens are refused and clients get new ones.`
    })
    const lines = [`Made the signing key ${key}.`, ...made, ...old, ...describeEnding(ending, now)]
    return { json: { key, keys: after, endingRefreshTokens: ending }, lines }
  })
}

/** @param ids the refresh tokens that only the old signing key can prove */
function describeEnding(ids: readonly string[], now: boolean): string[] {
  if (ids.length === 0) return []
  const todo = now ? 'Log in again in place of them' : 'Use each of them until then, or log in again'
  const why =
    'Usher 0.1 issued these refresh tokens, and they were not used since, so they end with the old key.'
  return [`${why} ${todo}:`, ...ids]
}

type Wait = (ms: number) => Promise<unknown>

/**
 * Replaces the old master key with a new one. The process may be killed after any step: the key file always has all
 * keys that secrets are encrypted with, and the next run continues.
 */
async function rotate(opened: Opened, wait: Wait): Promise<Output> {
  const { config, dir, ctx } = opened
  if (config.masterKeys)
    throw new ConfigError([
      'USHER_MASTER_KEY is set, and a command cannot change a setting; docs/operating.md explains how to rotate it',
    ])
  const file = config.masterKeyFile
  const lock = takeFileLock(
    `${realpathSync(file)}-rotating`,
    `another process is rotating the master key in ${file}`,
  )
  try {
    const found = loadMasterKeys(config)
    // Several keys mean that an earlier rotation did not finish: continue it, and add no third key.
    const continues = found.length > 1
    const keys: MasterKeys = continues ? found : [randomBytes(32), ...found]
    await recordRotation(dir, ctx, keys[0])
    if (!continues) writeMasterKeys(file, keys)
    await wait(sealingDelay(dir))
    const result = await resealSecrets(dir, ctx, keys)
    if (result.unopened.length === 0) writeMasterKeys(file, [keys[0]])
    return describeRotation(result, 'It is now the only key in the file.')
  } finally {
    lock.close()
  }
}

async function resealOnly({ config, dir, ctx }: Opened, wait: Wait): Promise<Output> {
  const keys = loadMasterKeys(config)
  await recordRotation(dir, ctx, keys[0])
  await wait(sealingDelay(dir))
  return describeRotation(await resealSecrets(dir, ctx, keys), 'The other keys are no longer needed.')
}

/** @param others a sentence about the other keys, for a complete rotation */
function describeRotation(result: Resealed, others: string): Output {
  const { key, resealed, checked, unopened } = result
  const lines = unopened.map((identity) => `The secret of ${identity} cannot be opened.`)
  const done = `Sealed ${resealed} secrets with the master key ${key}.`
  const summary =
    unopened.length === 0
      ? `${done} It opens all ${checked} secrets. ${others}`
      : `${done} It does not open ${unopened.length} of all ${checked} secrets. The other keys are still needed.`
  return { json: result, lines: [...lines, summary], failed: unopened.length > 0 }
}
