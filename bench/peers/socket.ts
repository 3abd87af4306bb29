import { once } from 'node:events'
import { connect } from 'node:net'

/** Returns the length of the first whole response in what was received, 0 if it is not whole yet. */
export type Measure = (received: Buffer) => number

/** A connection that sends one request, waits for its response, and so on. It costs little processor time. */
export interface Exchange {
  send(request: Buffer | string): Promise<Buffer>
  close(): void
}

/** Connects to a port of this machine. */
export async function openExchange(port: number, measure: Measure): Promise<Exchange> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let received: Buffer = Buffer.alloc(0)
  let waiting: PromiseWithResolvers<Buffer> | undefined
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const length = measure(received)
    if (length === 0) return
    const response = received.subarray(0, length)
    received = received.subarray(length)
    waiting?.resolve(response)
  })
  const fail = (): void => waiting?.reject(new Error('the connection was closed'))
  socket.on('error', fail)
  socket.on('close', fail)
  return {
    send(request) {
      waiting = Promise.withResolvers<Buffer>()
      socket.write(request)
      return waiting.promise
    },
    close: () => socket.destroy(),
  }
}
