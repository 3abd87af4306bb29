import { Pool } from 'undici'

/** One HTTP request. */
export interface Exchange {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
  /** The time limit in milliseconds, from the call to the end of the response. */
  readonly limitMs: number
}

/** One HTTP response, read to its end. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** A request took longer than its time limit. */
export class TimeLimitError extends Error {}

/** Further requests wait for a free connection. A gateway's default is 512 threads for all of its clients. */
const MAX_CONNECTIONS = 128

/**
 * Connections to one server, kept alive. They do not keep the process alive while they are idle. Redirects are not
 * followed, because a request is signed for this server only. Why undici: docs/decisions/0011.
 */
export class Connections {
  readonly #pool: Pool

  /** @param origin scheme, host and port of the server */
  constructor(origin: string) {
    // The time limit of each exchange covers connecting, headers and body.
    this.#pool = new Pool(origin, { connections: MAX_CONNECTIONS, headersTimeout: 0, bodyTimeout: 0 })
  }

  /**
   * @throws {TimeLimitError}
   * @throws {Error} if there is no complete response, or the signal aborts
   */
  async send({ signal, limitMs, ...request }: Exchange): Promise<HttpResponse> {
    signal.throwIfAborted()
    // Not AbortSignal.any and timeout: they cost more, and the timer goes on after the response.
    const cancel = new AbortController()
    const abort = (): void => cancel.abort(signal.reason)
    const timer = setTimeout(() => cancel.abort(new TimeLimitError()), limitMs)
    signal.addEventListener('abort', abort)
    try {
      const { statusCode, headers, body } = await this.#pool.request({ ...request, signal: cancel.signal })
      return { status: statusCode, headers, text: await body.text() }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }
}
