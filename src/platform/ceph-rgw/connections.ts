import * as http from 'node:http'
import * as https from 'node:https'

export interface Exchange {
  readonly method: string
  readonly headers: http.OutgoingHttpHeaders
  readonly body: string
  readonly signal: AbortSignal
  /** How long the whole exchange may take. */
  readonly limitMs: number
}

export class NoAnswerInTime extends Error {}

export interface HttpAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/**
 * Connections to one server, kept alive, as many as there are calls at once. Node's own client: `fetch` takes four
 * times the CPU for the same call (docs/decisions/0011). Redirects are not followed: whoever sends one shall not get
 * what was signed for the server.
 */
export class Connections {
  readonly #module: typeof http | typeof https
  readonly #agent: http.Agent

  constructor(url: string) {
    this.#module = new URL(url).protocol === 'https:' ? https : http
    this.#agent = new this.#module.Agent({ keepAlive: true })
  }

  /**
   * @throws {NoAnswerInTime}
   * @throws {Error} when there is no answer, or not a whole one, or the signal aborts
   */
  send(url: URL, { body, limitMs, ...options }: Exchange): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#module.request(url, { ...options, agent: this.#agent })
      const limit = setTimeout(() => {
        reject(new NoAnswerInTime())
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
