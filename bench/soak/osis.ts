import { basic, send } from '../../testing/http.ts'
import type { Gateway } from './gateway.ts'

/** How long after an outage a 503 is still of its making: the pauses between attempts have grown meanwhile. */
const GRACE_MS = 60_000
/** How long a call is repeated before it counts as one that does not come to an end. */
const PATIENCE_MS = 150_000
const REPEAT_MS = 500
/** A 503 so long after an outage is shown, though it is allowed. */
const REMARKABLE_MS = 10_000

export interface Reply {
  readonly status: number
  readonly body: unknown
}

/** Calls OSIS, and judges every answer: no fault but a 503, and that only while the gateway is down or has just come back. */
export class Osis {
  readonly #url: string
  readonly #authorization: string
  readonly #gateway: Gateway
  readonly counts = new Map<string, number>()
  readonly violations: string[] = []
  /** How long after the gateway was back the last 503 was answered. */
  latestRefusalMs = 0
  readonly lateRefusals: string[] = []

  constructor(url: string, client: { client_id: string; client_secret: string }, gateway: Gateway) {
    this.#url = url
    this.#authorization = basic(client.client_id, client.client_secret)
    this.#gateway = gateway
  }

  /** One call, once. */
  async once(method: string, path: string, body?: unknown): Promise<Reply> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      authorization: this.#authorization,
      'content-type': text === undefined ? undefined : 'application/json',
    }
    try {
      const answer = await send(this.#url, { method, path, headers, body: text })
      this.#judge(`${method} ${path}`, answer.status, answer.text)
      return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) }
    } catch (error) {
      this.violation(`${method} ${path}: ${String(error)}`)
      return { status: 0, body: null }
    }
  }

  /** A call that may be repeated, until it is answered otherwise than 503. */
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
