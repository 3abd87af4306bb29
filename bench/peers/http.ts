import type { Creator } from './peer.ts'
import { type Exchange, openExchange } from './socket.ts'

/** How a user is created over HTTP. */
export interface HttpCreate {
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  body(name: string): object
}

/** Opens a connection that creates users by a POST each, which must return 201. */
export async function connectHttp({ url, path, headers, body }: HttpCreate): Promise<Creator> {
  const { host, port } = new URL(url)
  const exchange: Exchange = await openExchange(Number(port), measureResponse)
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${path} HTTP/1.1\r\n${lines.join('')}content-length: `
  return {
    async create(name) {
      const text = JSON.stringify(body(name))
      const response = await exchange.send(`${head}${Buffer.byteLength(text)}\r\n\r\n${text}`)
      if (response.toString('latin1', 9, 12) !== '201') throw new Error(String(response))
    },
    close: exchange.close,
  }
}

function measureResponse(received: Buffer): number {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const head = received.toString('latin1', 0, end)
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    const last = received.indexOf('\r\n0\r\n\r\n', end)
    return last < 0 ? 0 : last + 7
  }
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error('a response without a Content-Length')
  const whole = end + 4 + Number(length)
  return received.length < whole ? 0 : whole
}
