import { basic, send } from '../../testing/http.ts'
import type { Gateway } from './gateway.ts'

/** How long after an outage a 503 is allowed: the pauses between attempts have grown during it. */
const GRACE_MS = 60_000
/** How long a call is repeated before it counts as one that never ends. */
const PATIENCE_MS = 150_000
const REPEAT_MS = 500
/** A 503 that comes later than this after an outage is reported, although it is allowed. */
const REMARKABLE_MS = 10_000

/** The response to one call. */
export interface Reply {
  readonly status: number
  readonly body: unknown
}

/** Calls OSIS and checks every status: the only allowed failure is a 503 during an outage of the gateway or shortly after. */
export class Osis {
  readonly #url: string
  readonly #authorization: string
  readonly #gateway: Gateway
  readonly counts = new Map<string, number>()
  readonly violations: string[] = []
  /** The longest time in milliseconds between the end of an outage and a 503. */
  latestRefusalMs = 0
  readonly lateRefusals: string[] = []

  constructor(url: string, client: { client_id: string; client_secret: string }, gateway: Gateway) {
    this.#url = url
    this.#authorization = basic(client.client_id, client.client_secret)
    this.#gateway = gateway
  }

  /** Makes one call once. */
  async once(method: string, path: string, body?: unknown): Promise<Reply> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      authorization: this.#authorization,
      'content-type': text === undefined ? undefined : 'application/json',
    }
    try {
      const response = await send(this.#url, { method, path, headers, body: text })
      this.#judge(`${method} ${path}`, response.status, response.text)
      return { status: response.status, body: response.text === '' ? null : JSON.parse(response.text) }
    } catch (error) {
      this.violation(`${method} ${path}: ${String(error)}`)
      return { status: 0, body: null }
    }
  }

  /** Makes a call that may be repeated, until its status is not 503. */
  async until(method: string, path: string, body?: unknown): Promise<Reply> {
    const end = Date.now() + PATIENCE_MS
    for (;;) {
      const reply = await this.once(method, path, body)
      if (reply.status !== 503) return reply
      if (Date.now() > end) {
        this.violation(`${method} ${path}: still 503 after ${PATIENCE_MS / 1000} s`)
        return reply
      }
      await new Promise((resolve) => setTimeout(resolve, REPEAT_MS))
    }
  }

  violation(text: string): void {
    this.violations.push(`${new Date().toISOString()} ${text}`)
  }

  #judge(call: string, status: number, text: string): void {
    this.counts.set(String(status), (this.counts.get(String(status)) ?? 0) + 1)
    if (status < 500) return
    const last = this.#gateway.outages.at(-1)
    const late = Date.now() - (last?.until ?? 0)
    if (status !== 503) this.violation(`${call}: ${status} ${text}`)
    else if (!last) this.violation(`${call}: 503 before any outage: ${text}`)
    else if (late > GRACE_MS) this.violation(`${call}: 503 ${late} ms after the gateway was back: ${text}`)
    else this.#keepLate(call, late, text)
  }

  #keepLate(call: string, late: number, text: string): void {
    this.latestRefusalMs = Math.max(this.latestRefusalMs, late)
    if (late > REMARKABLE_MS) this.lateRefusals.push(`${late} ms: ${call}: ${text}`)
  }
}
