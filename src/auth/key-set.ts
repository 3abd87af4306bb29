import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import { createLocalJWKSet } from 'jose/jwks/local'
import { describeCertificateFault, toTlsPeer } from '../certificate-fault.ts'
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

/** A time in which the keys cannot be fetched. */
interface Outage {
  readonly since: number
  readonly failedAt: number
  readonly cause: unknown
  /** The number of tokens that could not be checked. */
  unchecked: number
}

/**
 * The keys of an external issuer (RFC 7517), fetched when they are needed. While they cannot be fetched, there is one
 * fetch in COOL_DOWN_MS, and no line of the log for each token.
 */
export class KeySet {
  readonly #issuer: string
  readonly #url: string
  readonly #log: KeySetLog
  #keys: JWTVerifyGetKey | undefined
  #fetchedAt = Number.NEGATIVE_INFINITY
  #outage: Outage | undefined
  #running: Promise<void> | undefined

  constructor(issuer: string, url: string, log: KeySetLog) {
    this.#issuer = issuer
    this.#url = url
    this.#log = log
  }

  /**
   * Finds the key of a token; throws like jose's key sets if there is none or more than one.
   * @throws {IssuerUnavailableError} if the keys cannot be fetched
   */
  readonly getKey: JWTVerifyGetKey = async (header, token) => {
    if (!this.#keys || isOver(this.#fetchedAt, MAX_AGE_MS)) await this.#refresh()
    if (!this.#keys) throw new IssuerUnavailableError(this.#issuer, this.#outage?.cause)
    return this.#keys(header, token)
  }

  /**
   * Fetches the keys again, unless they were fetched in the last RENEWAL_MS.
   * @returns whether they were fetched
   * @throws {IssuerUnavailableError} if they cannot be fetched
   */
  async renew(): Promise<boolean> {
    if (!this.#outage && !isOver(this.#fetchedAt, RENEWAL_MS)) return false
    await this.#refresh()
    return true
  }

  async #refresh(): Promise<void> {
    // During an outage only one token waits for the next try; the others are told at once.
    if (!this.#outage || (!this.#running && isOver(this.#outage.failedAt, COOL_DOWN_MS))) {
      this.#running ??= this.#fetch().finally(() => {
        this.#running = undefined
      })
      await this.#running
    }
    if (!this.#outage) return
    this.#outage.unchecked++
    throw new IssuerUnavailableError(this.#issuer, this.#outage.cause)
  }

  /** Never throws: a failure begins an outage, or prolongs it. */
  async #fetch(): Promise<void> {
    const issuer = this.#issuer
    try {
      this.#keys = createLocalJWKSet(await fetchKeySet(this.#url))
      this.#fetchedAt = performance.now()
      if (this.#outage)
        this.#log.info({ issuer, ...measure(this.#outage) }, 'the keys of the issuer can be fetched again')
      this.#outage = undefined
    } catch (cause) {
      const reason = (await describeCertificateFault(cause, toTlsPeer(this.#url))) ?? describeFailure(cause)
      if (!this.#outage) this.#log.warn({ issuer, reason }, 'the keys of the issuer cannot be fetched')
      this.#outage = {
        since: performance.now(),
        unchecked: 0,
        ...this.#outage,
        failedAt: performance.now(),
        cause,
      }
    }
  }
}

function isOver(since: number, ms: number): boolean {
  return performance.now() >= since + ms
}

function measure({ since, unchecked }: Outage): object {
  return { seconds: Math.round((performance.now() - since) / 1000), unchecked }
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

/**
 * Describes a failure. `fetch` says only "fetch failed" and has the reason in its cause, which has only a code if a host
 * has several addresses.
 */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof SyntaxError) return 'the response is not JSON'
  const cause = error.cause instanceof Error ? error.cause : error
  return cause.message || String((cause as { code?: string }).code ?? cause.name)
}
