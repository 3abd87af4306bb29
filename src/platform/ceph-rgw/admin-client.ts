import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import aws4 from 'aws4'
import { Pool } from 'undici'
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

/** The response to a call that succeeded. */
export interface AdminResponse {
  /** Parsed JSON. Null if the response is empty. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
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
 * call is signed for this gateway only. Why aws4 and undici: docs/decisions/0011.
 */
export class AdminClient {
  readonly #settings: CephRgwSettings
  readonly #pool: Pool
  readonly #confirm: (signal: AbortSignal) => Promise<boolean>
  /** Whether the cluster is known to be the right one. */
  #isConfirmed = false

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
    this.#pool = new Pool(new URL(settings.url).origin, limits)
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
    // Not AbortSignal.any and timeout: they cost more, and the timer would go on after the response.
    const cancel = new AbortController()
    const abort = (): void => cancel.abort(lateResponse(`${name} of the Ceph RGW was cancelled`))
    const late = `the Ceph RGW did not respond to ${name} within ${limitMs / 1000} s`
    const timer = setTimeout(() => cancel.abort(lateResponse(late)), limitMs)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    try {
      const request = { ...this.#sign(call), signal: cancel.signal }
      const { statusCode: status, headers, body } = await this.#pool.request(request)
      const text = await readText(body, name)
      if (status < 200 || status > 299) throw new RgwRefusal(name, status, findCode(text))
      return { body: parse(text, name), headers }
    } catch (error) {
      if (error instanceof PlatformError) throw error
      if (cancel.signal.aborted) throw cancel.signal.reason
      const { url } = this.#settings
      throw new RgwUnreachable(url, error, await describeCertificateFault(error, toTlsPeer(url)))
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  #sign({ method, path: resource, query, body: content }: AdminCall) {
    const { url, accessKey, secretKey } = this.#settings
    const target = new URL(resource, url)
    for (const [key, value] of Object.entries(query)) target.searchParams.append(key, value)
    const { host } = target
    const path = target.pathname + target.search
    const body = content === undefined ? '' : JSON.stringify(content)
    const hash = createHash('sha256').update(body).digest('hex')
    const headers = { 'Content-Type': 'application/json', 'X-Amz-Content-Sha256': hash }
    // RGW accepts any region in a signature.
    const unsigned = { method, host, path, headers, service: 's3', region: 'default' }
    const signed = aws4.sign(unsigned, { accessKeyId: accessKey, secretAccessKey: secretKey })
    return { method, path, headers: signed.headers as Record<string, string>, body }
  }
}

/** Reads a body piece by piece, so that a body without end takes no more memory than the limit. */
async function readText(body: AsyncIterable<Buffer>, name: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BYTES) throw badResponse(`the response to ${name} has more than 64 MiB`)
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks, size)
  // Decoding would replace a broken sequence, so that names and ids would differ from the gateway's.
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
