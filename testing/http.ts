import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

/** A response, with its body read to the end. */
export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Call {
  readonly method: string
  /** Goes into the request line as it is: nothing is encoded, normalised or left out. */
  readonly path: string
  /** An undefined header is not sent. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Buffer | undefined
  /** Sends the body in chunks, without a Content-Length. */
  readonly chunked?: boolean
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Sends one request. Unlike `fetch`, it sends any headers, path and bytes as given. */
export function send(url: string, call: Call): Promise<HttpResponse> {
  const { hostname, port } = new URL(url)
  const headers = toHeaders(call)
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, agent, method: call.method, path: call.path, headers })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const { statusCode = 0, headers } = incoming
        resolve({ status: statusCode, headers, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    outgoing.end(call.body)
  })
}

function toHeaders({ headers = {}, body, chunked = false }: Call): OutgoingHttpHeaders {
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
  if (body === undefined) return sent
  return chunked
    ? { ...sent, 'transfer-encoding': 'chunked' }
    : { ...sent, 'content-length': Buffer.byteLength(body) }
}

/**
 * Returns the body of a response as JSON.
 * @throws {Error} if its content type is not `application/json`
 */
export function jsonOf<T = unknown>(response: HttpResponse): T {
  const type = response.headers['content-type'] ?? 'nothing'
  if (!type.startsWith('application/json')) throw new Error(`expected JSON, got ${type}: ${response.text}`)
  return JSON.parse(response.text) as T
}

/** Returns an Authorization header of Basic authentication. */
export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}
