import { subscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'

/**
 * Measures every request inside the server, from its head to the end of its response. A bench loads this file into the
 * server with `--import`. At the exit of the server it writes the times to the file that `BENCH_TIMES` names: an array
 * of milliseconds, in the order in which the requests ended.
 */
const begun = new WeakMap<IncomingMessage, number>()
const times: number[] = []

subscribe('http.server.request.start', (message) => {
  begun.set((message as { request: IncomingMessage }).request, performance.now())
})
subscribe('http.server.response.finish', (message) => {
  const start = begun.get((message as { request: IncomingMessage }).request)
  if (start !== undefined) times.push(performance.now() - start)
})
process.once('exit', () => writeFileSync(String(process.env.BENCH_TIMES), JSON.stringify(times)))
