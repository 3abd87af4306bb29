import { Resolver } from 'node:dns/promises'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { SigningWebhook } from '../directory/webhooks.ts'
import type { ReceiverRule, WebhookEvent } from '../model/webhooks.ts'
import { type AddressRule, findAddress, newAddressRule } from './addresses.ts'
import { signEvent } from './signature.ts'

// An import would read all members of the module, and so load Node's WebSocket and fetch: 25 ms of a start, and 4 MB.
const { Agent: HttpAgent, request: requestHttp } = process.getBuiltinModule('node:http')

/** How long a receiver may take to respond, in milliseconds. */
export const ATTEMPT_MS = 10_000
/** The most bytes of a response that are read, so that the connection can be used again. */
const MAX_RESPONSE = 64 * 1024

/** The result of sending an event once. */
export interface Attempt {
  /** Whether the receiver accepted the event: it responded with a status of 200 to 299. */
  readonly delivered: boolean
  /** The status of the response; null without one. */
  readonly status: number | null
  /** Why the event was not accepted; null if it was. It says nothing about the network of the provider. */
  readonly error: string | null
  /** How long the receiver asks to wait before the next attempt, in milliseconds, an hour at most; 0 if it does not. */
  readonly waitMs: number
}

/** Sends events to receivers. */
export interface WebhookSender {
  /** Which receivers it sends to. */
  readonly receivers: ReceiverRule
  /**
   * Sends an event once. Redirects are not followed.
   * @param stopping cuts the request
   */
  send(webhook: SigningWebhook, event: WebhookEvent, stopping?: AbortSignal): Promise<Attempt>
  /** Closes the connections that are kept open. */
  close(): void
}

/** The address of a receiver is inside a network that is not allowed. */
class AddressError extends Error {}

/**
 * Makes a sender. Each connection is checked by the address that it is made to, so a name that resolves to another
 * address later changes nothing.
 * @param parts.networks addresses and CIDR ranges inside the network of the provider that receivers may have
 * @param parts.version the version of Usher, which stands in `User-Agent`
 * @param parts.resolve returns the addresses of a name; DNS when left out
 */
export function newWebhookSender(parts: {
  readonly networks: readonly string[]
  readonly version: string
  readonly resolve?: Resolve
}): WebhookSender {
  const { networks, version, resolve = resolveName } = parts
  const rule = newAddressRule(networks)
  const { open, close } = newOpener(rule, resolve)
  return {
    receivers: rule,
    async send(webhook, event, stopping) {
      const body = JSON.stringify({ type: event.type, timestamp: event.timestamp, data: event.data })
      const timestamp = Math.floor(Date.now() / 1000)
      const signed = signEvent(webhook.secrets, { id: event.id, timestamp, body })
      const length = Buffer.byteLength(body)
      const agent = { 'user-agent': `usher/${version}`, 'content-type': 'application/json' }
      const headers = { ...agent, ...signed, 'content-length': length }
      const limit = AbortSignal.timeout(ATTEMPT_MS)
      const signal = stopping ? AbortSignal.any([limit, stopping]) : limit
      const start = (): ClientRequest => open(new URL(webhook.url), headers, signal)
      try {
        const { status, waitMs } = await exchange(start, body)
        const delivered = status >= 200 && status < 300
        return {
          delivered,
          status,
          error: delivered ? null : `the receiver responded with ${status}`,
          waitMs,
        }
      } catch (error) {
        return { delivered: false, status: null, error: explain(error, limit), waitMs: 0 }
      }
    },
    close,
  }
}

type Resolve = (host: string) => Promise<{ address: string; family: number }[]>
type Open = (url: URL, headers: Record<string, string | number>, signal: AbortSignal) => ClientRequest

/** Makes a function that opens requests to permitted addresses alone, and one that closes all connections. */
function newOpener(rule: AddressRule, resolve: Resolve): { open: Open; close: () => void } {
  const find = (insideOnly: boolean): LookupFunction =>
    newLookup(resolve, (one) => rule.permits(one, insideOnly))
  const options = { keepAlive: true, maxFreeSockets: 16, timeout: ATTEMPT_MS }
  const plain = new HttpAgent({ ...options, lookup: find(true) })
  const secure = new HttpsAgent({ ...options, lookup: find(false) })
  return {
    open(url, headers, signal) {
      const isPlain = url.protocol === 'http:'
      // Node does not look up addresses.
      if (!rule.permitsHost(url)) throw new AddressError()
      const start = isPlain ? requestHttp : requestHttps
      const outgoing = start(url, { method: 'POST', headers, agent: isPlain ? plain : secure, signal })
      outgoing.once('socket', (socket) => {
        checkPeer(socket, (address) => rule.permits(address, isPlain), outgoing)
      })
      return outgoing
    },
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

/** How long a name server may take to respond, in milliseconds, and how often it is asked. */
const DNS = { timeout: 2_000, tries: 2 }

/**
 * Resolves a name to the addresses that are permitted. Fails if there are none. It asks DNS itself: the resolver of the
 * system would keep a thread busy for each slow name server, and commits need these threads.
 */
function newLookup(resolve: Resolve, permits: (address: string) => boolean): LookupFunction {
  return (host, options, done) => {
    resolve(host).then(
      (found) => {
        const permitted = found.filter(({ address }) => permits(address))
        const [first] = permitted
        if (!first) return done(new AddressError(), '', 0)
        return options.all ? done(null, permitted) : done(null, first.address, first.family)
      },
      (error) => done(error, '', 0),
    )
  }
}

/**
 * Returns the addresses of a name, IPv4 first.
 * @throws {Error} with the code of DNS if there are none
 */
async function resolveName(host: string): Promise<{ address: string; family: number }[]> {
  const known = findAddress(host)
  if (known !== undefined) return [{ address: known, family: isIP(known) }]
  const resolver = new Resolver(DNS)
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const found = [
    ...(ipv4.status === 'fulfilled' ? ipv4.value.map((address) => ({ address, family: 4 })) : []),
    ...(ipv6.status === 'fulfilled' ? ipv6.value.map((address) => ({ address, family: 6 })) : []),
  ]
  if (found.length === 0 && ipv4.status === 'rejected') throw ipv4.reason
  return found
}

/** Cuts a connection to an address that is not permitted, before anything is sent. */
function checkPeer(socket: Socket, permits: (address: string) => boolean, outgoing: ClientRequest): void {
  const check = (): void => {
    if (!permits(socket.remoteAddress ?? '')) outgoing.destroy(new AddressError())
  }
  if (socket.connecting) socket.once('connect', check)
  else check()
}

/**
 * Sends a request. A receiver may close a kept connection at the moment when it is used again; the request is then sent
 * once more.
 */
async function exchange(start: () => ClientRequest, body: string): Promise<Response> {
  const outgoing = start()
  try {
    return await sendBody(outgoing, body)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const isStale = outgoing.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(code)
    if (!isStale) throw error
    return sendBody(start(), body)
  }
}

/** What matters of a response: not its content. */
interface Response extends Pick<Attempt, 'waitMs'> {
  readonly status: number
}

function toResponse({ statusCode = 0, headers }: IncomingMessage): Response {
  return { status: statusCode, waitMs: readRetryAfter(headers['retry-after']) }
}

/** The longest pause that a receiver can ask for. */
const MAX_WAIT_MS = 60 * 60_000

/** Reads `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3). Returns milliseconds; 0 if it says nothing. */
function readRetryAfter(text = ''): number {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Math.min(Math.max(ms || 0, 0), MAX_WAIT_MS)
}

/** Sends the body. */
function sendBody(outgoing: ClientRequest, body: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject)
    // Node ends a request without an error if the receiver switches to another protocol (101).
    outgoing.on('upgrade', (incoming, socket) => {
      socket.destroy()
      resolve(toResponse(incoming))
    })
    outgoing.on('close', () => reject(new Error('the request ended without a response')))
    outgoing.on('response', (incoming) => {
      let read = 0
      incoming.on('data', (chunk: Buffer) => {
        read += chunk.length
        if (read > MAX_RESPONSE) incoming.destroy()
      })
      incoming.on('error', () => undefined)
      resolve(toResponse(incoming))
    })
    outgoing.end(body)
  })
}

const NOT_RESOLVED = 'the name of the receiver cannot be resolved at the moment'

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name of the receiver does not exist',
  ENODATA: 'the name of the receiver has no address',
  ESERVFAIL: NOT_RESOLVED,
  EREFUSED: NOT_RESOLVED,
  ETIMEOUT: NOT_RESOLVED,
  ECONNREFUSED: 'the receiver refuses connections',
  ECONNRESET: 'the receiver closed the connection',
  EPIPE: 'the receiver closed the connection',
  EPROTO: 'TLS failed: the receiver does not speak it, or not a version that Usher speaks',
  ETIMEDOUT: 'the receiver cannot be reached',
  EHOSTUNREACH: 'the receiver cannot be reached',
  ENETUNREACH: 'the receiver cannot be reached',
}

function explain(error: unknown, limit: AbortSignal): string {
  if (error instanceof AddressError)
    return 'the address of the receiver is inside a network that is not allowed; see USHER_WEBHOOK_NETWORKS'
  if (limit.aborted) return `the receiver did not respond within ${ATTEMPT_MS / 1000} s`
  const { code = '', message } = error as NodeJS.ErrnoException
  const known = REASONS[code]
  if (known !== undefined) return known
  if (code.startsWith('HPE_'))
    return 'the response of the receiver is not valid HTTP, or its headers are too long'
  // Node's message may end with a hint about its own options, which the owner of the webhook cannot set.
  const [reason] = message.split('; if the root CA')
  return /CERT|TLS|SSL|SIGNATURE|ALTNAME/.test(code)
    ? `TLS failed: ${reason}`.slice(0, 200)
    : 'the request failed'
}
