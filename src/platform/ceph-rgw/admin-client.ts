import { isUtf8 } from 'node:buffer'
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { type Dispatcher, Pool } from 'undici'
import { describeCertificateFault, toTlsPeer } from '../../certificate-fault.ts'
import { badResponse, lateResponse, PlatformError } from '../platform.ts'
import { findCode, RgwRefusal, RgwUnreachable } from './errors.ts'

/** The address of a Ceph RGW, and the S3 keys that Usher uses for its calls. */
export interface CephRgwSettings {
  /** The gateway's URL without a path. */
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
  /** The URL of its S3 service for users. */
  readonly s3Url: string
}

/** One call of the Admin Ops API. */
export interface AdminCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: '/admin/user' | '/admin/bucket' | '/admin/metadata/user'
  /** Never a secret: RGW and proxies write it to their logs. */
  readonly query: Readonly<Record<string, string>>
  readonly body?: unknown
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The response to a call that succeeded. */
export interface AdminResponse {
  /** Parsed JSON. Null if the response is empty. */
  readonly body: unknown
  readonly headers: Headers
}

/** The time limit of one call. */
const CALL_MS = 8_000
/** The most bytes of one response. A list of 100,000 buckets with their statistics has about as many. */
const MAX_BYTES = 64 * 1024 * 1024
/** Further calls wait for a free connection. By default a gateway has 512 threads for all of its clients. */
const MAX_CONNECTIONS = 128

/**
 * A client of the Admin Ops API of one gateway (docs.ceph.com, "Admin Operations"). It signs with AWS Signature Version
 * 4 and keeps its connections alive; idle ones do not keep the process alive. Redirects are not followed, because a
 * call is signed for this gateway only. Why undici, and why Usher signs by itself: docs/decisions/0011.
 */
export class AdminClient {
  readonly #settings: CephRgwSettings
  readonly #host: string
  readonly #pool: Pool
  readonly #confirm: (signal: AbortSignal) => Promise<boolean>
  /** Whether the cluster is known to be the right one. */
  #isConfirmed = false
  /** The key that signs the calls of one day. */
  #signing: { readonly day: string; readonly key: KeyObject } | undefined

  /** @param confirm throws if the cluster is the wrong one, and returns false if that is not known yet */
  constructor(
    settings: CephRgwSettings,
    confirm: (signal: AbortSignal) => Promise<boolean> = async () => true,
  ) {
    this.#settings = settings
    this.#confirm = confirm
    // The time limit of each call covers the connection, the headers and the body.
    // HTTP/1.1 only: over HTTP/2 all calls would share one connection, and fail together.
    const limits = { connections: MAX_CONNECTIONS, allowH2: false, headersTimeout: 0, bodyTimeout: 0 }
    const { origin, host } = new URL(settings.url)
    this.#host = host
    this.#pool = new Pool(origin, limits)
  }

  /**
   * Makes one signed call to the confirmed cluster; see `send`.
   * @throws {WrongClusterError} if the cluster is another one than that of the accounts
   */
  async call(call: AdminCall, signal: AbortSignal): Promise<AdminResponse> {
    if (!this.#isConfirmed) await this.confirm(signal)
    try {
      return await this.send(call, signal)
    } catch (error) {
      // The address may lead to another cluster once the gateway is back.
      if (!(error instanceof RgwRefusal) || error.status === 403 || error.status >= 500)
        this.#isConfirmed = false
      throw error
    }
  }

  /**
   * Confirms the cluster, unless that was done.
   * @throws {WrongClusterError} if the cluster is another one than that of the accounts
   */
  async confirm(signal: AbortSignal): Promise<void> {
    this.#isConfirmed ||= await this.#confirm(signal)
  }

  /**
   * Makes one signed call, whatever the cluster is.
   * @param limitMs the time limit of the whole call
   * @throws {RgwRefusal} if the gateway responds with an error
   * @throws {RgwUnreachable} if it does not respond
   * @throws {PlatformError} if it takes too long, the signal aborts, or the response has more than 64 MiB, is not UTF-8
   *   or is not JSON
   */
  async send(call: AdminCall, signal: AbortSignal, limitMs = CALL_MS): Promise<AdminResponse> {
    const name = `${call.method} ${call.path}`
    const exchange = new Exchange(name)
    const abort = (): void => exchange.cancel(lateResponse(`${name} of the Ceph RGW was cancelled`))
    const late = `the Ceph RGW did not respond to ${name} within ${limitMs / 1000} s`
    const timer = setTimeout(() => exchange.cancel(lateResponse(late)), limitMs)
    signal.addEventListener('abort', abort)
    try {
      if (signal.aborted) abort()
      else this.#pool.dispatch(this.#sign(call), exchange)
      const { status, headers, bytes } = await exchange.done.promise
      const text = decode(bytes, name)
      if (status < 200 || status > 299) throw new RgwRefusal(name, status, findCode(text))
      return { body: parse(text, name), headers }
    } catch (error) {
      if (error instanceof PlatformError) throw error
      const { url } = this.#settings
      throw new RgwUnreachable(url, error, await describeCertificateFault(error, toTlsPeer(url)))
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  /** Signs a call with AWS Signature Version 4, its content included ("Authenticating Requests", AWS S3 API). */
  #sign({ method, path, query, body: content }: AdminCall) {
    const body = content === undefined ? '' : JSON.stringify(content)
    // In the order of the names alone: "quota" comes before "quota-type", but "quota=" after "quota-type=".
    const keys = Object.keys(query).sort()
    const search = keys.map((name) => `${encode(name)}=${encode(query[name] ?? '')}`).join('&')
    const time = new Date().toISOString().replace(/[:-]|\.\d+/g, '')
    const signed = {
      'content-type': 'application/json',
      host: this.#host,
      'x-amz-content-sha256': hash('sha256', body),
      'x-amz-date': time,
    }
    const names = Object.keys(signed).join(';')
    const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
    const canonical = [method, path, search, lines.join(''), names, signed['x-amz-content-sha256']].join('\n')
    const day = time.slice(0, 8)
    const scope = `${day}/${SCOPE.join('/')}`
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical)}`
    const signature = createHmac('sha256', this.#signingKey(day)).update(text).digest('hex')
    const credential = `Credential=${this.#settings.accessKey}/${scope}`
    const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`
    return { method, path: search ? `${path}?${search}` : path, headers: { ...signed, authorization }, body }
  }

  #signingKey(day: string): KeyObject {
    if (this.#signing?.day !== day) {
      const chain = (key: Buffer, part: string): Buffer => createHmac('sha256', key).update(part).digest()
      const key = [day, ...SCOPE].reduce(chain, Buffer.from(`AWS4${this.#settings.secretKey}`))
      // Node signs several times as fast with a key object as with bytes.
      this.#signing = { day, key: createSecretKey(key) }
    }
    return this.#signing.key
  }
}

/** Region, service and end of the scope of a signature. RGW accepts any region. */
const SCOPE = ['default', 's3', 'aws4_request'] as const

/** Encodes a name or a value of a query as signatures demand: every character that RFC 3986 reserves. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

interface RawResponse {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
}

/** One call and its response. Not `pool.request`: the stream that it makes for each body costs more than the call. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly done = Promise.withResolvers<RawResponse>()
  readonly #name: string
  readonly #chunks: Buffer[] = []
  #size = 0
  #head: Omit<RawResponse, 'bytes'> = { status: 0, headers: {} }
  #controller: Dispatcher.DispatchController | undefined
  #cancelled: Error | undefined

  constructor(name: string) {
    this.#name = name
  }

  /** Ends the call with an error, also while it waits for a connection. */
  cancel(error: Error): void {
    this.#cancelled ??= error
    this.done.reject(error)
    this.#controller?.abort(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#cancelled) controller.abort(this.#cancelled)
  }

  onResponseStart(_: unknown, status: number, headers: Headers): void {
    this.#head = { status, headers }
  }

  /** Keeps a piece of the body, so that a body without end takes no more memory than the limit. */
  onResponseData(_: unknown, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > MAX_BYTES) this.cancel(badResponse(`the response to ${this.#name} has more than 64 MiB`))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.done.resolve({ ...this.#head, bytes: Buffer.concat(this.#chunks, this.#size) })
  }

  onResponseError(_: unknown, error: Error): void {
    this.done.reject(error)
  }
}

/** Decoding would replace a broken sequence, so that names and ids would differ from the gateway's. */
function decode(bytes: Buffer, name: string): string {
  if (!isUtf8(bytes)) throw badResponse(`the response to ${name} is not UTF-8`)
  return bytes.toString('utf8')
}

function parse(text: string, name: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw badResponse(
      `the response to ${name} is not JSON; check that USHER_CEPH_RGW_URL names the gateway itself`,
    )
  }
}
