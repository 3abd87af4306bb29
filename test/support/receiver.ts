import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitUntil } from '../../testing/wait.ts'

/** An event as a receiver got it. */
export interface Received {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly data: {
    readonly organizationId: string | null
    readonly resellerId: string | null
    readonly target: string | null
    readonly outcome: string
    readonly changedFields: readonly string[]
    readonly correlationId: string
  }
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The status of the response to it. */
  readonly status: number
}

/** A real receiver of webhooks, which fails on command. */
export interface Receiver {
  readonly url: string
  /** Every request in the order of its arrival, refused ones too. */
  readonly requests: readonly Received[]
  /** Decides the status of each response, also later; 204 by default. */
  respond(decide: (event: Received) => number | Promise<number>): void
  /** Returns the events that were accepted, each once, in the order of their first acceptance. */
  accepted(): readonly Received[]
  /** Waits until an accepted event fits. */
  waitFor(fits: (event: Received) => boolean): Promise<Received>
  end(): Promise<void>
}

const LIMIT_MS = 15_000

/** Starts a receiver on a free port of 127.0.0.1. */
export async function startReceiver(): Promise<Receiver> {
  const requests: Received[] = []
  let decide: (event: Received) => number | Promise<number> = () => 204
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    const event = JSON.parse(body) as Omit<Received, 'id' | 'headers' | 'body' | 'status'>
    const { headers } = request
    const received = { ...event, id: String(headers['webhook-id']), headers, body, status: 0 }
    const status = await decide(received)
    requests.push({ ...received, status })
    response.writeHead(status, status >= 300 && status < 400 ? { location: '/elsewhere' } : {}).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // `--test-name-pattern` may leave out the tests of a file, whose hooks then do not end it.
  server.unref()
  const accepted = (): Received[] => {
    const first = new Map<string, Received>()
    for (const one of requests.filter(({ status }) => status >= 200 && status < 300))
      if (!first.has(one.id)) first.set(one.id, one)
    return [...first.values()]
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    requests,
    respond(next) {
      decide = next
    },
    accepted,
    async waitFor(fits) {
      await waitUntil(async () => accepted().some(fits), LIMIT_MS)
      return accepted().find(fits) as Received
    },
    async end() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Returns whether an event is signed with a secret, as Standard Webhooks says. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const expected = Buffer.from(createHmac('sha256', key).update(content).digest('base64'))
  return String(headers['webhook-signature'])
    .split(' ')
    .some((one) => {
      const given = Buffer.from(one.replace(/^v1,/, ''))
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
}
