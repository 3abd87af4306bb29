import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import aws4 from 'aws4'
import { PlatformError } from '../platform.ts'
import { Connections, type Exchange, NoAnswerInTime } from './connections.ts'
import { RgwRefusal, RgwUnreachable } from './errors.ts'

/** How a Ceph RGW is reached, and as whom. */
export interface CephRgwSettings {
  /** The gateway, without a path. */
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
  /** Where users reach its S3. */
  readonly s3Url: string
}

export interface AdminCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: '/admin/user' | '/admin/bucket' | '/admin/metadata/user'
  /** RGW writes it to its log, and so may every proxy: never a secret. */
  readonly query: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface AdminAnswer {
  /** Parsed JSON; null when the answer is empty. */
  readonly body: unknown
  readonly headers: IncomingHttpHeaders
}

/** How long one call may take, so that a gateway that hangs holds nobody up. */
const CALL_MS = 8_000

/** Calls the Admin Ops API of one gateway (docs.ceph.com, "Admin Operations"), signed with AWS Signature Version 4. */
export class AdminClient {
  readonly #settings: CephRgwSettings
  readonly #connections: Connections

  constructor(settings: CephRgwSettings) {
    this.#settings = settings
    this.#connections = new Connections(settings.url)
  }

  /**
   * @throws {RgwRefusal} when the gateway answers with an error
   * @throws {RgwUnreachable} when it gives no answer
   * @throws {PlatformError} when it takes too long, the caller gives up, or the answer makes no sense
   */
  async call(call: AdminCall, signal: AbortSignal, limitMs = CALL_MS): Promise<AdminAnswer> {
    const name = `${call.method} ${call.path}`
    try {
      const url = new URL(call.path, this.#settings.url)
      for (const [key, value] of Object.entries(call.query)) url.searchParams.append(key, value)
      const signed = this.#sign(call, url)
      const { status, headers, text } = await this.#connections.send(url, { ...signed, signal, limitMs })
      if (status < 200 || status > 299) throw new RgwRefusal(name, status, findCode(text))
      return { body: parse(text, name), headers }
    } catch (error) {
      if (error instanceof PlatformError) throw error
      if (signal.aborted) throw new PlatformError(`${name} of the Ceph RGW was given up`)
      if (error instanceof NoAnswerInTime)
        throw new PlatformError(`the Ceph RGW did not answer ${name} within ${limitMs / 1000} s`)
      throw new RgwUnreachable(this.#settings.url, error)
    }
  }

  #sign({ method, body }: AdminCall, url: URL): Omit<Exchange, 'signal' | 'limitMs'> {
    const content = body === undefined ? '' : JSON.stringify(body)
    const hash = createHash('sha256').update(content).digest('hex')
    const { accessKey, secretKey } = this.#settings
    const { headers = {} } = aws4.sign(
      {
        method,
        host: url.host,
        path: url.pathname + url.search,
        headers: { 'Content-Type': 'application/json', 'X-Amz-Content-Sha256': hash },
        service: 's3',
        // RGW takes any region in a signature.
        region: 'default',
      },
      { accessKeyId: accessKey, secretAccessKey: secretKey },
    )
    return { method, headers, body: content }
  }
}

/** The Admin API answers errors in JSON, the S3 API of the same gateway in XML. */
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
      `the answer to ${name} is no JSON: does USHER_CEPH_RGW_URL name the gateway itself?`,
    )
  }
}
