import { isIPv6 } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { readBasic } from '../auth/clients.ts'
import type { Logger } from '../logger.ts'
import { isUuid } from '../model/ids.ts'
import { foldAddress } from '../model/text.ts'

/** What callers may do in a minute; 0 stands for no limit. */
export interface RateLimits {
  /** Requests of one authenticated client. */
  readonly requestsPerMinute: number
  /** Failed authentications, and other refused requests for tokens, from one address. */
  readonly failuresPerMinute: number
}

const MINUTE_SECONDS = 60
/** The most clients or addresses that are counted. The one that was counted first is forgotten for a new one. */
const MAX_KEYS = 10_000

/** A client or an address has used up its requests of the minute. */
export class TooManyRequestsError extends Error {
  readonly headers: Readonly<Record<string, string>>

  /** @param policy the limit: its name and its requests per minute */
  constructor(message: string, policy: { readonly name: string; readonly max: number }, seconds: number) {
    super(`${message} Wait ${seconds} s.`)
    this.name = 'TooManyRequestsError'
    // draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4.
    this.headers = {
      'retry-after': String(seconds),
      'ratelimit-policy': `"${policy.name}";q=${policy.max};w=${MINUTE_SECONDS}`,
      ratelimit: `"${policy.name}";r=0;t=${seconds}`,
    }
  }
}

/** Counts events by key, in windows of a minute that begin with the first event. */
export class MinuteLimit {
  readonly name: string
  readonly max: number
  /** The events of each key in this minute. */
  readonly used = new Map<string, number>()
  readonly #message: string
  #endsAt = 0
  #timer: NodeJS.Timeout | undefined

  /** @param max the most events of a key; 0 for any number */
  constructor(name: string, max: number, message: string) {
    this.name = name
    this.max = max === 0 ? Infinity : max
    this.#message = message
  }

  /** Counts an event. Returns whether its key is within its limit. */
  add(key: string): boolean {
    const count = (this.used.get(key) ?? 0) + 1
    if (count === 1) this.begin()
    this.used.set(key, count)
    return count <= this.max
  }

  /** Prepares for the first event of a key. */
  begin(): void {
    const [oldest] = this.used.keys()
    if (oldest !== undefined && this.used.size >= MAX_KEYS) this.used.delete(oldest)
    if (this.#timer) return
    const ms = MINUTE_SECONDS * 1_000
    this.#endsAt = performance.now() + ms
    this.#timer = setTimeout(() => this.end(), ms).unref()
  }

  /** Takes back an event of a key. */
  takeBack(key: string): void {
    const count = this.used.get(key) ?? 0
    if (count > 1) this.used.set(key, count - 1)
    else this.used.delete(key)
  }

  /** Ends the minute: no key has any event. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.used.clear()
  }

  /** Makes the error for a key beyond its limit. */
  refuse(): TooManyRequestsError {
    const seconds = Math.max(1, Math.ceil((this.#endsAt - performance.now()) / 1_000))
    return new TooManyRequestsError(this.#message, this, seconds)
  }
}

/**
 * Counts a client's request for a token. It counts apart from the client's other requests.
 * @throws {TooManyRequestsError}
 */
export function countTokenRequest({ clients }: Limits, client: string): void {
  if (!clients.add(`token ${client}`)) throw clients.refuse()
}

/** Counts and logs what unauthenticated callers fail with. */
export interface FailureWatch {
  /**
   * Refuses an address that has failed too often, before its body is read.
   * @throws {TooManyRequestsError}
   */
  assertMayTry(request: FastifyRequest): void
  /**
   * Counts a failure of the address of a request.
   * @param presented whether the request had credentials; without, it counts apart, and blocks no login
   * @returns the error to send if that is beyond the limit
   */
  count(request: FastifyRequest, presented?: boolean): TooManyRequestsError | undefined
  /** Addresses that sent no credentials. */
  readonly missing: MinuteLimit
  /**
   * Takes back one request without credentials, because this one has valid ones: some clients wait for the challenge of
   * a 401 before they send them (RFC 9110 section 11.4).
   */
  forgive(request: FastifyRequest): void
  /** Logs a failed authentication. Beyond LINES_PER_ADDRESS and LINES a minute, only their number is logged. */
  warn(request: FastifyRequest, reason: string): void
}

/** The limits of a server. */
export interface Limits {
  readonly clients: MinuteLimit
  readonly failures: FailureWatch
}

/** Makes the limits of a server; they end with it. */
export function newLimits(app: FastifyInstance, rates: RateLimits, log: Logger): Limits {
  const { requestsPerMinute, failuresPerMinute } = rates
  const clients = new MinuteLimit(
    'client',
    requestsPerMinute,
    `This client has sent more than ${requestsPerMinute} requests in a minute.`,
  )
  const addresses = new MinuteLimit(
    'address',
    failuresPerMinute,
    'Too many requests from this address have failed.',
  )
  const missing = new MinuteLimit(
    'address',
    failuresPerMinute,
    'Too many requests from this address had no credentials.',
  )
  app.addHook('onClose', async () => {
    for (const limit of [clients, addresses, missing]) limit.end()
  })
  const warn = newWarner(log)
  return {
    clients,
    failures: {
      assertMayTry(request) {
        if ((addresses.used.get(networkOf(request.ip)) ?? 0) >= addresses.max) throw addresses.refuse()
      },
      count(request, presented = true) {
        const limit = presented ? addresses : missing
        return limit.add(networkOf(request.ip)) ? undefined : limit.refuse()
      },
      missing,
      forgive: (request) => missing.takeBack(networkOf(request.ip)),
      warn,
    },
  }
}

/** How many failed authentications are logged in a minute: of one address, and altogether. */
const LINES_PER_ADDRESS = 20
const LINES = 200

function newWarner(log: Logger): FailureWatch['warn'] {
  const ofAddress = new MinuteLimit('lines', LINES_PER_ADDRESS, '')
  const all = new MinuteLimit('lines', LINES, '')
  let left = 0
  const summarize = (): void => {
    log.warn({ count: left }, 'more authentications failed')
    left = 0
  }
  return (request, reason) => {
    if (!ofAddress.add(networkOf(request.ip)) || !all.add('')) {
      if (left++ === 0) setTimeout(summarize, MINUTE_SECONDS * 1_000).unref()
      return
    }
    const { ip, routeOptions } = request
    const address = foldAddress(ip)
    const correlationId = request.correlationId || undefined
    const client = findClaimedClient(request)
    const { operation } = routeOptions.config
    log.warn({ correlationId, address, operation, reason, client }, 'authentication failed')
  }
}

/**
 * Finds the id of the client that a request says it comes from. Texts that are not UUIDs are left out: people paste
 * secrets into such fields.
 */
function findClaimedClient({ headers, body }: FastifyRequest): string | undefined {
  const { authorization = '' } = headers
  const { client_id, username, refresh_token } = (body ?? {}) as Record<string, unknown>
  const bearer = /^bearer +(.+)$/i.exec(authorization)?.[1]
  const claimed = [
    readBasic(authorization)?.id,
    ...listClientClaims(bearer ?? refresh_token),
    client_id,
    username,
  ]
  return claimed.find((one): one is string => typeof one === 'string' && isUuid(one))?.toLowerCase()
}

/** Reads the claims of a token that may name its client. Nothing of the token is verified. */
function listClientClaims(token: unknown): unknown[] {
  try {
    const claims = JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())
    return ['client_id', 'azp', 'appid', 'cid', 'sub'].map((name) => claims[name])
  } catch {
    return []
  }
}

/**
 * Returns the network that an address is counted under: an IPv4 address itself, an IPv6 address's /64, which is the
 * least that one subscriber has.
 */
export function networkOf(address: string): string {
  const folded = foldAddress(address)
  if (!isIPv6(folded)) return folded
  const [head = '', tail] = address
    .replace(/%.*$/, '')
    .replace(/(\d+\.){3}\d+$/, '0:0')
    .split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const others = (tail ?? '').split(':').filter((group) => group !== '')
  const zeros = new Array<string>(8 - groups.length - others.length).fill('0')
  const network = [...groups, ...zeros, ...others].slice(0, 4)
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
