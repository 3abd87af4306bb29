import { createHash } from 'node:crypto'
import aws4 from 'aws4'
import { PlatformError } from '../platform.ts'
import { Connections, type Exchange, type HttpResponse, TimeLimitError } from './connections.ts'
import { RgwRefusal, RgwUnreachable } from './errors.ts'

/** The address of a Ceph RGW, and the keys that Usher calls with. */
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
  readonly headers: HttpResponse['headers']
}

/** The time limit of one call. */
const CALL_MS = 8_000

/** A client of the Admin Ops API of one gateway (docs.ceph.com, "Admin Operations"). Signs with AWS Signature Version 4. */
export class AdminClient {
  readonly #settings: CephRgwSettings
  readonly #connections: Connections

  constructor(settings: CephRgwSettings) {
    this.#settings = settings
    this.#connections = new Connections(new URL(settings.url).origin)
  }

  /**
   * @param limitMs the time limit of the whole call
   * @throws {RgwRefusal} if the gateway responds with an error
   * @throws {RgwUnreachable} if it does not respond
   * @throws {PlatformError} if it takes too long, the signal aborts, or the response is not JSON
   */
  async call(call: AdminCall, signal: AbortSignal, limitMs = CALL_MS): Promise<AdminResponse> {
    const name = `${call.method} ${call.path}`
    try {
      const url = new URL(call.path, this.#settings.url)
      for (const [key, value] of Object.entries(call.query)) url.searchParams.append(key, value)
      const signed = this.#sign(call, url)
      const { status, headers, text } = await this.#connections.send({ ...signed, signal, limitMs })
      if (status < 200 || status > 299) throw new RgwRefusal(name, status, findCode(text))
      return { body: parse(text, name), headers }
    } catch (error) {
      if (error instanceof PlatformError) throw error
      if (signal.aborted) throw new PlatformError(`${name} of the Ceph RGW was cancelled`)
      if (error instanceof TimeLimitError)
        throw new PlatformError(`the Ceph RGW did not respond to ${name} within ${limitMs / 1000} s`)
      throw new RgwUnreachable(this.#settings.url, error)
    }
  }

  #sign({ method, body }: AdminCall, url: URL): Omit<Exchange, 'signal' | 'limitMs'> {
    const content = body === undefined ? '' : JSON.stringify(body)
    const hash = createHash('sha256').update(content).digest('hex')
    const { accessKey, secretKey } = this.#settings
    const path = url.pathname + url.search
    const { headers = {} } = aws4.sign(
      {
        method,
        host: url.host,
        path,
        headers: { 'Content-Type': 'application/json', 'X-Amz-Content-Sha256': hash },
        service: 's3',
        // RGW accepts any region in a signature.
        region: 'default',
      },
      { accessKeyId: accessKey, secretAccessKey: secretKey },
    )
    return { method, path, headers: headers as Record<string, string>, body: content }
  }
}

/** The Admin API sends errors as JSON, the S3 API of the same gateway as XML. */
function findCode(text: string): string {
  const found = /"Code":"(\w+)"|<Code>(\w+)<\/Code>/.exec(text)
  return found?.[1] ?? found?.[2] ?? ''
}

function parse(text: string, name: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw new PlatformError(
      `the response to ${name} is not JSON; check that USHER_CEPH_RGW_URL names the gateway itself`,
    )
  }
}
