import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { IssuerUnavailableError } from './auth-error.ts'

/** How long a fetch may take, in milliseconds. */
const TIMEOUT_MS = 5_000
/** How long fetched keys are used. After that, a key that the issuer withdrew is refused. */
const MAX_AGE_MS = 10 * 60_000
/** The shortest time between two fetches for tokens whose key is unknown: anyone can send such tokens. */
const RENEWAL_MS = 30_000
/** How long there is no other fetch after one that failed. */
const COOL_DOWN_MS = 10_000
/** The most bytes of a key set, after decompression. Real ones have up to 50 KB. */
const MAX_BYTES = 256 * 1024
/** The most keys of a key set. A token without `kid` is tried with all of them that fit. */
const MAX_KEYS = 100

/** The log of the key sets, which gets a line when an outage begins and when it ends. */
export interface KeySetLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** The keys of an external issuer (RFC 7517), fetched when they are needed. */
export interface KeySet {
  /**
   * Finds the key of a token; throws like jose's key sets if there is none or more than one.
   * @throws {IssuerUnavailableError} if the keys cannot be fetched
   */
  readonly getKey: JWTVerifyGetKey
  /**
   * Fetches the keys again, unless they were fetched in the last RENEWAL_MS.
   * @returns whether they were fetched
   * @throws {IssuerUnavailableError} if they cannot be fetched
   */
  renew(): Promise<boolean>
}

/** A time in which the keys cannot be fetched. */
interface Outage {
  readonly since: number
  readonly failedAt: number
  readonly cause: unknown
  /** The number of tokens that could not be checked. */
  unchecked: number
}

/** Returns the key set of an issuer. While it cannot be fetched, there is one fetch in COOL_DOWN_MS and no line a token. */
export function newKeySet(issuer: string, jwksUrl: string, log: KeySetLog): KeySet {
  let keys: JWTVerifyGetKey | undefined
  let fetchedAt = 0
  let outage: Outage | undefined
  let running: Promise<void> | undefined

  const fetchOnce = async (): Promise<void> => {
    try {
      keys = createLocalJWKSet(await fetchKeySet(jwksUrl))
      fetchedAt = Date.now()
      if (outage) log.info({ issuer, ...measure(outage) }, 'the keys of the issuer can be fetched again')
      outage = undefined
    } catch (cause) {
      const reason = describe(cause)
      if (!outage) log.warn({ issuer, reason }, 'the keys of the issuer cannot be fetched')
      outage = { since: Date.now(), unchecked: 0, ...outage, failedAt: Date.now(), cause }
    }
  }

  const refresh = async (): Promise<void> => {
    // During an outage only one token waits for the next try; the others are told at once.
    const isFetched = outage ? !running && isOver(outage.failedAt, COOL_DOWN_MS) : true
    if (isFetched) {
      running ??= fetchOnce().finally(() => {
        running = undefined
      })
      await running
    }
    if (!outage) return
    outage.unchecked++
    throw new IssuerUnavailableError(issuer, outage.cause)
  }

  return {
    async getKey(header, token) {
      if (!keys || isOver(fetchedAt, MAX_AGE_MS)) await refresh()
      if (!keys) throw new IssuerUnavailableError(issuer, outage?.cause)
      return keys(header, token)
    },
    async renew() {
      if (!outage && !isOver(fetchedAt, RENEWAL_MS)) return false
      await refresh()
      return true
    },
  }
}

function isOver(since: number, ms: number): boolean {
  return Date.now() >= since + ms
}

function measure({ since, unchecked }: Outage): object {
  return { seconds: Math.round((Date.now() - since) / 1000), unchecked }
}

/** Fetches a key set. A redirect is a failure: it could lead to another host. */
async function fetchKeySet(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { accept: 'application/json, application/jwk-set+json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the response has the status ${response.status}`)
  }
  const set = JSON.parse(await readText(response)) as { keys?: unknown }
  const count = Array.isArray(set?.keys) ? set.keys.length : 0
  if (count > MAX_KEYS) throw new Error(`the key set has ${count} keys; Usher takes up to ${MAX_KEYS}`)
  return set as JSONWebKeySet
}

/** @throws {Error} if the text has more than MAX_BYTES; the rest is not read */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new Error(`the key set is larger than ${MAX_BYTES / 1024} KiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Describes a failure. `fetch` says only "fetch failed" and has the reason in its cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof SyntaxError) return 'the response is not JSON'
  return error.cause instanceof Error ? error.cause.message : error.message
}
