import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'

/**
 * Measures every request inside the server, from its head to the end of its response. A bench loads this file into the
 * server with `--import`. It adds the milliseconds of each request to the file that `BENCH_TIMES` names, one a line.
 */
const begun = new WeakMap<IncomingMessage, number>()

subscribe('http.server.request.start', (message) => {
  begun.set((message as { request: IncomingMessage }).request, performance.now())
})
subscribe('http.server.response.finish', (message) => {
  const start = begun.get((message as { request: IncomingMessage }).request)
  if (start !== undefined) appendFileSync(String(process.env.BENCH_TIMES), `${performance.now() - start}\n`)
})
