import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What Usher is measured against: Node's own server, which parses the same JSON body and responds with a constant. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'))
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end('"0199f3a0-7c1e-7000-8000-5a1d3c9be2f4"')
  })
})

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
