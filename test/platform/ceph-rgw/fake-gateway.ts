import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CephRgwPlatform } from '../../../src/platform/ceph-rgw/ceph-rgw.ts'

/** Words that must not be said; both secrets have one in them. */
export const SECRET = /hunter2/
export const USER_SECRET = 'user-secret-hunter2'

export type Responder = (request: IncomingMessage, response: ServerResponse) => void

/** An HTTP server that responds as the test tells it to. */
export interface FakeGateway {
  readonly url: string
  /** The requests since the responses were set: `GET /admin/user?uid=…`. */
  asked: string[]
  /** Sets the responses to the next calls; the last one holds for all further calls. */
  respondWith(...responders: Responder[]): void
  close(): void
}

export async function startFakeGateway(): Promise<FakeGateway> {
  let responders: Responder[] = []
  const server = createServer((request, response) => {
    gateway.asked.push(`${request.method} ${request.url}`)
    const respond = responders.length > 1 ? responders.shift() : responders[0]
    request.resume().on('end', () => respond?.(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gateway: FakeGateway = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    respondWith(...next) {
      responders = next
      gateway.asked = []
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return gateway
}

export function newPlatform(url: string): CephRgwPlatform {
  return new CephRgwPlatform({ url, accessKey: 'ADMINKEY', secretKey: 'admin-secret-hunter2', s3Url: url })
}

/** Returns an address of this machine where nothing listens. */
export function findClosedUrl(): Promise<string> {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as AddressInfo
      listener.close(() => resolve(`http://127.0.0.1:${port}`))
    })
  })
}

export function respond(status: number, body: unknown = '', headers: Record<string, string> = {}): Responder {
  return (_, response) =>
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** An error as the Admin API of RGW 16.2 writes it. */
export const refusal = (status: number, Code: string): Responder =>
  respond(status, { Code, Message: '', RequestId: 'tx1' })

export const cut: Responder = (request) => request.socket.destroy()
export const hang: Responder = () => undefined
