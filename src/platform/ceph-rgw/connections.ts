import * as http from 'node:http'
import * as https from 'node:https'

/** One HTTP request. */
export interface Exchange {
  readonly method: string
  readonly headers: http.OutgoingHttpHeaders
  readonly body: string
  readonly signal: AbortSignal
  /** The time limit from the start of the request to the end of the response. */
  readonly limitMs: number
}

/** A request took longer than its time limit. */
export class TimeLimitError extends Error {}

/** One HTTP response, read to its end. */
export interface HttpResponse {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/**
 * Connections to one server, kept alive, one per concurrent request. It uses Node's own client: `fetch` takes four
 * times the CPU for the same call (docs/decisions/0011). Redirects are not followed, because a request is signed for
 * this server only.
 */
export class Connections {
  readonly #module: typeof http | typeof https
  readonly #agent: http.Agent

  constructor(url: string) {
    this.#module = new URL(url).protocol === 'https:' ? https : http
    this.#agent = new this.#module.Agent({ keepAlive: true })
  }

  /**
   * @throws {TimeLimitError}
   * @throws {Error} if there is no complete response, or the signal aborts
   */
  send(url: URL, { body, limitMs, ...options }: Exchange): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#module.request(url, { ...options, agent: this.#agent })
      const limit = setTimeout(() => {
        reject(new TimeLimitError())
        outgoing.destroy()
      }, limitMs)
      outgoing.on('close', () => clearTimeout(limit))
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('error', reject)
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
        })
      })
      outgoing.end(body)
    })
  }
}
