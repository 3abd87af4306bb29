import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { defaultS3Capabilities, parseS3Capabilities } from './api/osis/s3-capabilities.ts'
import type { OsisSettings } from './api/osis/settings.ts'
import { buildServer } from './api/server.ts'
import { newBearerCheck } from './auth/bearer.ts'
import { newClientFinder } from './auth/clients.ts'
import { openIssuer } from './auth/issuer.ts'
import { newOsisTokens } from './auth/osis-tokens.ts'
import { type Config, ConfigError, type OsisConfig } from './config.ts'
import { sealAudit } from './directory/audit.ts'
import { readBacklog } from './directory/backlog.ts'
import type { Directory } from './directory/directory.ts'
import { forgetExpiredAnswers } from './directory/idempotency.ts'
import { forgetExpiredRefreshTokens } from './directory/refresh-tokens.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { OpenDirectory } from './open-directory.ts'
import type { Platform } from './platform/platform.ts'
import { newPlatformView } from './provisioning/platform-view.ts'
import { Reconciler } from './provisioning/reconciler.ts'

/** How often audit entries are sealed, where a commit is not a block. */
const SEAL_MS = 500
/** How often answers that are too old to be replayed are forgotten, and refresh tokens that have expired. */
const SWEEP_MS = 60 * 60 * 1000
/** How long an answer to whether the store can be written is good for. */
const READY_MS = 1_000
/** What a stop may take before connections that still talk are cut. */
const DRAIN_MS = 4_000
/** What the work in the background gets after that. */
const LAST_MS = 2_000

/** Usher, serving. */
export interface App {
  /** Where it listens: `http://host:port`. */
  readonly url: string
  /** Takes no new requests, ends those under way and the units of work behind them, and closes the store; within 5 s. */
  close(): Promise<void>
}

/**
 * Starts Usher over an open directory, and takes it over: closing the app closes the directory.
 * @throws {ConfigError} when a file that a setting names is wrong
 * @throws {Error} when the port is taken
 */
export async function startApp(
  config: Config,
  log: Logger,
  open: OpenDirectory,
  metrics: Metrics,
): Promise<App> {
  const { dir, platform } = open
  const osisSettings = readOsisSettings(config.osis)
  let url = ''
  const publicUrl = (): string => config.publicUrl ?? url
  const reconciler = new Reconciler(dir, platform, { log, observeAttempt: metrics.observeAttempt })
  const clients = newClientFinder(dir)
  const issuer = await openIssuer(dir, publicUrl)
  const bearer = newBearerCheck(issuer, config.issuers, dir)
  metrics.watchBacklog(() => readBacklog(dir))
  const server = await buildServer({
    dir,
    clients,
    bearer,
    issuer,
    osisTokens: newOsisTokens(dir, issuer),
    osisSettings,
    reconciler,
    platform: newPlatformView(dir, platform),
    publicUrl,
    log,
    observeRequest: metrics.observeRequest,
    readMetrics: async () => ({
      contentType: metrics.registry.contentType,
      text: await metrics.registry.metrics(),
    }),
    checkReady: newReadyCheck(dir, log),
  })
  try {
    url = await server.listen({ host: config.host, port: config.port })
  } catch (error) {
    await server.close()
    throw error
  }
  const sweep = setInterval(() => {
    Promise.all([forgetExpiredAnswers(dir), forgetExpiredRefreshTokens(dir)]).catch((error) =>
      log.warn({ err: error }, 'what has expired could not be forgotten'),
    )
  }, SWEEP_MS)
  const sealer = startSealing(dir, log)
  reconciler.start()
  void tellPlatform(platform, log)
  const stopWorkers = async (): Promise<void> => {
    await reconciler.stop()
    await sealer.stop()
  }
  return {
    url,
    async close() {
      clearInterval(sweep)
      const cut = setTimeout(() => server.server.closeAllConnections(), DRAIN_MS)
      await server.close()
      clearTimeout(cut)
      // A store that has fallen silent holds nobody up: what is not finished is finished after the next start.
      await Promise.race([stopWorkers(), pause(LAST_MS)])
      await open.close()
    },
  }
}

/** Seals audit entries a moment after their commit, one round after the other; a stop seals the last ones. */
function startSealing(dir: Directory, log: Logger): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const seal = (): Promise<void> =>
    sealAudit(dir).catch((error) => log.error({ err: error }, 'audit entries could not be sealed'))
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await seal()
      await pause(SEAL_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
    await seal()
  }
  const working = dir.store.embedded ? Promise.resolve() : work()
  return {
    stop() {
      stopping.abort()
      return working
    },
  }
}

/** A platform that is down keeps nobody from starting; what waits for it is applied when it is back. */
async function tellPlatform(platform: Platform, log: Logger): Promise<void> {
  const { version, health, reason } = await platform.status()
  const fields = { platform: platform.name, version, health, ...(reason !== undefined && { reason }) }
  if (health === 'NORMAL') log.info(fields, 'the platform is well')
  else log.warn(fields, 'the platform is not well')
}

/** @throws {ConfigError} when the file of S3 capabilities cannot be read, or says nonsense */
function readOsisSettings(config: OsisConfig): OsisSettings {
  const { s3CapabilitiesFile: file, ...others } = config
  try {
    const s3Capabilities = file ? parseS3Capabilities(readFileSync(file, 'utf8')) : defaultS3Capabilities()
    return { ...others, s3Capabilities }
  } catch (error) {
    throw new ConfigError([`USHER_OSIS_S3_CAPABILITIES: ${file} ${(error as Error).message}`])
  }
}

/** Callers within a second share one check: it writes, and anybody may ask. */
function newReadyCheck(dir: Directory, log: Logger): () => Promise<void> {
  let last: { at: number; result: Promise<void> } | undefined
  return () => {
    if (!last || last.at + READY_MS < Date.now()) {
      const result = dir.store.checkWritable()
      result.catch((error) => log.error({ err: error }, 'not ready: the store cannot be written'))
      last = { at: Date.now(), result }
    }
    return last.result
  }
}
