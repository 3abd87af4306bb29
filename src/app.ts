import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { S3Capabilities } from './api/osis/platform-schemas.ts'
import { parseS3Capabilities } from './api/osis/s3-capabilities.ts'
import { buildMetricsServer, buildServer, type ServerParts } from './api/server.ts'
import { newBearerCheck, trustOwn } from './auth/bearer.ts'
import { newSecretCheck } from './auth/clients.ts'
import { trustExternal } from './auth/external-issuers.ts'
import { type Issuer, openIssuer } from './auth/issuer.ts'
import { newOpenIdProvider } from './auth/oidc.ts'
import { newOsisTokens } from './auth/osis-tokens.ts'
import { newSessionCheck } from './auth/sessions.ts'
import { type Config, ConfigError } from './config.ts'
import { assertAuditKey, getAuditHead } from './directory/audit.ts'
import { followAudit } from './directory/audit-follower.ts'
import { readBacklog } from './directory/backlog.ts'
import { writeClientUses } from './directory/client-secrets.ts'
import { findClientsOfOtherIssuers } from './directory/clients.ts'
import { CACHE_TTL_MS, type Directory } from './directory/directory.ts'
import { deleteExpired } from './directory/expired.ts'
import { JOB_KINDS } from './directory/jobs/kinds.ts'
import { JobRunner } from './directory/jobs/runner.ts'
import { followUsers } from './directory/list-follower.ts'
import { listPlatformProblems } from './directory/platforms.ts'
import type { Logger } from './logger.ts'
import { runRound, startLoop } from './loop.ts'
import type { Metrics } from './metrics.ts'
import { isLoopback } from './model/hosts.ts'
import type { OpenDirectory } from './open-directory.ts'
import { newOutageLog } from './outages.ts'
import { getPlatform, type Platform, type Platforms } from './platform/platform.ts'
import { startContentReader } from './provisioning/content-reader.ts'
import { newExplainer } from './provisioning/explain.ts'
import { newPlatformView } from './provisioning/platform-view.ts'
import { Reconciler } from './provisioning/reconciler.ts'
import { shareFor } from './share-for.ts'
import { VERSION } from './version.ts'
import { Deliverer } from './webhooks/deliverer.ts'
import { newWebhookSender, type WebhookSender } from './webhooks/sender.ts'

/** The pause between two rounds of sealing audit entries. Only PostgreSQL needs them: SQLite seals in each commit. */
const SEAL_MS = 500
/** The pause between two rounds of adding new entries to the index of the audit log. */
const INDEX_MS = 250
/** The pause between two rounds of deleting expired records. */
const SWEEP_MS = 60 * 60 * 1000
/** The pause between two rounds of writing when clients called last. */
const USES_MS = 60_000
/** The pause between two log lines with the head of the audit log, for a comparison with a later log. */
const HEAD_MS = 60 * 60 * 1000
/** The pause between two looks for users who are not in the lists yet. */
const LIST_MS = 500
/** How long callers share one readiness check: it writes, and it needs no authentication. */
const READY_MS = 1_000
/** How long a stop waits for requests before it cuts their connections. */
const DRAIN_MS = 4_000
/** How long a stop then waits for background work. */
const LAST_MS = 2_000

/** The running server. */
export interface App {
  /** The address that it listens on: `http://host:port`. */
  readonly url: string
  /**
   * Refuses new requests, waits for running requests and background work, and closes the store. Takes DRAIN_MS +
   * LAST_MS at most.
   */
  close(): Promise<void>
}

/** What the server is made of. */
export interface AppParts {
  readonly config: Config
  readonly log: Logger
  readonly metrics: Metrics
  /** Closed with the app. A start that fails leaves it open. */
  readonly open: OpenDirectory
  /** Whether the console is served; by default it is. */
  readonly console?: boolean
}

/**
 * Starts the background work and the server over an open directory.
 * @throws {ConfigError} if a file that a setting names is wrong
 * @throws {Error} if the port is in use
 */
export async function startApp({ config, metrics, open, ...parts }: AppParts): Promise<App> {
  const { log, dir, stop } = newOutageLog(parts.log, open)
  await assertAuditKey(dir)
  const platform = newPlatformView(dir, open.platforms, open.main)
  let url = ''
  const publicUrl = (): string => config.publicUrl ?? url
  const issuer = await openIssuer(dir, publicUrl)
  await warnOfOtherIssuers(config, dir, log)
  const reconciler = new Reconciler(dir, open.platforms, { log, observeAttempt: metrics.observeAttempt })
  metrics.watchBacklog(() => readBacklog(dir))
  const webhooks = newWebhookSender({ networks: config.webhooks.networks, version: VERSION })
  const server = await buildServer({
    ...{ dir, issuer, reconciler, platform, publicUrl, webhooks, log },
    ...{ trustedProxies: config.trustedProxies, rateLimits: config.rateLimits },
    console: parts.console === false ? null : newConsole({ dir, platforms: open.platforms }, config),
    s3Capabilities: readS3Capabilities(config.osis.s3CapabilitiesFile),
    osisSettings: config.osis,
    checkSecret: newSecretCheck(dir),
    bearer: newBearerCheck([
      trustOwn(issuer, dir),
      ...config.issuers.map((one) => trustExternal(one, { dir, log })),
    ]),
    ...{ osisTokens: newOsisTokens(dir, issuer), observeRequest: metrics.observeRequest },
    ...{ readMetrics: metrics.read, metricsApart: config.metrics !== null },
    checkReady: newReadyCheck(dir, log),
  })
  const listening = await listen(server, { config, metrics, log })
  url = listening.url
  // Closed from the last to the first: requests that end need the reconciler, and both need the store.
  const opened = new AsyncDisposableStack()
  opened.defer(() => open.close())
  opened.defer(stop)
  opened.defer(
    startBackgroundWork(dir, { issuer, reconciler, log, platforms: open.platforms, webhooks, config }),
  )
  opened.defer(listening.close)
  void logPlatforms(open, log)
  warnOfPlainHttp(config, log)
  return { url, close: () => opened.disposeAsync() }
}

/** Makes what the console needs. */
function newConsole(
  deps: Pick<OpenDirectory, 'dir' | 'platforms'>,
  { openId }: Config,
): ServerParts['console'] {
  const { dir } = deps
  const provider = openId && newOpenIdProvider(openId, dir)
  const explainer = newExplainer(deps)
  return { checkSession: newSessionCheck(dir), explainer, openId: provider, version: VERSION }
}

/**
 * Makes the server listen, and one for the metrics if they have a port of their own.
 * @returns the URL of the server, and a function that closes both
 * @throws {Error} if a port is in use
 */
async function listen(
  server: FastifyInstance,
  { config, metrics, log }: Pick<AppParts, 'config' | 'metrics' | 'log'>,
): Promise<App> {
  const servers = new AsyncDisposableStack()
  servers.defer(() => closeServer(server, log))
  const close = (): Promise<void> => servers.disposeAsync()
  try {
    const url = await server.listen({ host: config.host, port: config.port })
    if (!config.metrics) return { url, close }
    const apart = buildMetricsServer(metrics.read)
    servers.defer(() => closeServer(apart, log))
    log.info({ url: `${await apart.listen({ ...config.metrics })}/metrics` }, 'listening for metrics')
    return { url, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Warns of clients that cannot call, because USHER_ISSUERS does not have the issuer of their tokens. */
async function warnOfOtherIssuers({ issuers }: Config, dir: Directory, log: Logger): Promise<void> {
  const names = issuers.map(({ issuer }) => issuer)
  for (const { id, name, external } of await findClientsOfOtherIssuers(dir, names)) {
    const message =
      'the tokens of a client are refused: add its issuer to USHER_ISSUERS, or remove the client'
    log.warn({ client: id, name, issuer: external?.issuer }, message)
  }
}

/** Warns if tokens and secrets may cross a network in the clear: Usher itself speaks plain HTTP only. */
function warnOfPlainHttp({ host, publicUrl }: Config, log: Logger): void {
  const isPlain = publicUrl === null || publicUrl.startsWith('http:')
  const hosts = publicUrl === null ? [host] : [host, new URL(publicUrl).hostname]
  if (!isPlain || hosts.every(isLoopback)) return
  const message =
    'secrets and tokens cross the network unencrypted: put a reverse proxy with TLS in front of Usher, let ' +
    'USHER_HOST be an address that only the proxy reaches, and set USHER_PUBLIC_URL to the https URL of the proxy'
  log.warn({ host, publicUrl }, message)
}

interface BackgroundParts {
  readonly issuer: Issuer
  readonly reconciler: Reconciler
  readonly log: Logger
  readonly platforms: Platforms
  readonly webhooks: WebhookSender
  readonly config: Config
}

/** @returns a function that stops the work; if the store no longer responds, it returns after LAST_MS */
function startBackgroundWork(
  dir: Directory,
  { issuer, reconciler, log, platforms, webhooks, config }: BackgroundParts,
): () => Promise<void> {
  const sweep = startLoop({ name: 'deleting expired records', everyMs: SWEEP_MS, log }, () =>
    deleteExpired(dir),
  )
  const head = startLoop({ name: 'reading the head of the audit log', everyMs: HEAD_MS, log }, async () => {
    const newest = await getAuditHead(dir)
    if (newest) log.info(newest, 'head of the audit log')
  })
  const using = { name: 'recording the last calls of clients', log }
  const uses = startLoop({ ...using, everyMs: USES_MS }, () => writeClientUses(dir))
  const indexing = { name: 'indexing the audit log', everyMs: INDEX_MS, log }
  const index = startLoop(indexing, (stopping) => followAudit(dir, stopping))
  const sealing = { name: 'sealing audit entries', log }
  const keys = startLoop({ name: 'reading the signing keys', everyMs: CACHE_TTL_MS, log }, issuer.readKeys)
  const seal = startLoop({ ...sealing, everyMs: SEAL_MS }, () => dir.store.sealAudit())
  const contents = startContentReader({ dir, platforms, log })
  const listing = { name: 'taking new users into lists', everyMs: LIST_MS, log }
  const lists = startLoop(listing, (stopping) => followUsers(dir, stopping))
  const jobs = new JobRunner(dir, JOB_KINDS, log)
  const deliverer = new Deliverer(dir, webhooks, { log, retryMs: config.webhooks.retryMs })
  for (const one of [reconciler, jobs, deliverer]) one.start()
  const stop = async (): Promise<void> => {
    const loops = [sweep, head, index, lists, keys, uses, contents, reconciler, jobs, deliverer]
    await Promise.all(loops.map((one) => one.stop()))
    await runRound(using, () => writeClientUses(dir))
    await seal.stop()
    await runRound(sealing, () => dir.store.sealAudit())
  }
  return () => stopInTime(stop, log)
}

/** Waits for a stop, but not longer than LAST_MS. */
async function stopInTime(stop: () => Promise<void>, log: Logger): Promise<void> {
  const late = Promise.withResolvers<void>()
  const limit = setTimeout(() => {
    log.warn({ afterMs: LAST_MS }, 'gave up background work that did not end')
    late.resolve()
  }, LAST_MS)
  await Promise.race([stop(), late.promise])
  clearTimeout(limit)
}

async function closeServer(server: FastifyInstance, log: Logger): Promise<void> {
  const cut = setTimeout(() => {
    server.server.getConnections((_, connections) => {
      log.warn({ afterMs: DRAIN_MS, connections }, 'gave up requests that did not end')
      server.server.closeAllConnections()
    })
  }, DRAIN_MS)
  await server.close()
  clearTimeout(cut)
}

/** Logs the health of the main platform, and how the settings differ from what the tenants are on. Never throws. */
async function logPlatforms({ dir, platforms, main }: OpenDirectory, log: Logger): Promise<void> {
  await runRound({ name: 'checking the platforms', log }, async () => {
    for (const problem of await listPlatformProblems(dir)) log.warn({ platform: main }, problem)
    await logPlatformStatus(getPlatform(platforms, main), log)
  })
}

/** Logs the health of a platform. One that is down does not prevent the start: the reconciler tries again later. */
async function logPlatformStatus(platform: Platform, log: Logger): Promise<void> {
  const { version, health, reason } = await platform.status()
  const fields = { platform: platform.name, version, health, ...(reason !== undefined && { reason }) }
  if (health === 'NORMAL') log.info(fields, 'platform healthy')
  else log.warn(fields, 'platform not healthy')
}

/**
 * Reads the operator's list of S3 calls that the platform does not support.
 * @returns null if the operator has none
 * @throws {ConfigError} if the file cannot be read or is not valid
 */
function readS3Capabilities(file: string | null): S3Capabilities | null {
  if (file === null) return null
  try {
    return parseS3Capabilities(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError([`USHER_OSIS_S3_CAPABILITIES: ${file} ${(error as Error).message}`])
  }
}

function newReadyCheck(dir: Directory, log: Logger): () => Promise<void> {
  return shareFor(READY_MS, async () => {
    try {
      await dir.store.heartbeat()
    } catch (error) {
      log.error({ err: error }, 'not ready: the store cannot be written')
      throw error
    }
  })
}
