import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gateway } from './gateway.ts'

/**
 * What befalls a call, `before` the gateway sees it or `after` it carried it out: it gets a 500, the connection is
 * cut, or no response comes.
 */
export type Fault = `${'500' | 'cut' | 'hold'} ${'before' | 'after'}`

export interface RgwProxy {
  readonly url: string
  /** The faults of the next calls that match, as `PUT /admin/user` does, one for each; all others pass. */
  break(matching: RegExp, ...faults: Fault[]): void
  /** Resolves when a call has come, and perhaps been carried out, that will get no response. */
  held(): Promise<void>
  /** Stops listening, as if the gateway had stopped. */
  close(): Promise<void>
  /** Listens again where it did. */
  open(): Promise<void>
}

/** A proxy in front of the real gateway, through which faults come that a gateway does not make on demand. */
export async function startProxy(): Promise<RgwProxy> {
  let planned: { matching: RegExp; faults: Fault[] } = { matching: /$^/, faults: [] }
  let holding = Promise.withResolvers<void>()

  const server = createServer((incoming, outgoing) => {
    // A gateway that is away, and a caller who is, end in the same way as without a proxy.
    serve(incoming, outgoing).catch(() => incoming.socket.destroy())
  })

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const call = `${incoming.method} ${incoming.url?.split('?')[0]}`
    const fault = planned.matching.test(call) ? planned.faults.shift() : undefined
    const body = await readBody(incoming)
    if (fault?.endsWith('before')) return spoil(fault, incoming, outgoing)
    const response = await forward(incoming, body)
    if (fault) return spoil(fault, incoming, outgoing)
    outgoing.writeHead(response.status).end(response.body)
  }

  function spoil(fault: Fault, incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (fault.startsWith('hold')) holding.resolve()
    else if (fault.startsWith('cut')) incoming.socket.destroy()
    else outgoing.writeHead(500).end('{"Code":"UnknownError","Message":""}')
  }

  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    break(matching, ...faults) {
      planned = { matching, faults }
      holding = Promise.withResolvers()
    },
    held: () => holding.promise,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    open: () => listen(port),
  }
}

/** The signature covers the Host header, which therefore goes on as it came. */
function forward(incoming: IncomingMessage, body: Buffer): Promise<{ status: number; body: Buffer }> {
  const { hostname, port } = new URL(gateway.url)
  const { method, url: path, headers } = incoming
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers: { ...headers, connection: 'close' } })
    outgoing.on('error', reject)
    outgoing.on('response', async (response) => {
      resolve({ status: response.statusCode ?? 502, body: await readBody(response) })
    })
    outgoing.end(body)
  })
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}
