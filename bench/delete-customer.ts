import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { programEnvironment } from '../testing/environment.ts'
import { type HttpResponse, jsonOf, send } from '../testing/http.ts'
import { getToken, type Init, type Settings, serve, usherJson } from '../testing/usher.ts'
import { inWorkDirectory } from './work-directory.ts'

/**
 * How long calls about other customers take while a customer with very many users is deleted, against the same calls
 * before: `node bench/delete-customer.ts --users 100000 --engine postgres`. Bars: docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '100000' },
    /** Calls per second. */
    rate: { type: 'string', default: '200' },
    /** How long the calls before the deletion are measured. */
    seconds: { type: 'string', default: '15' },
    engine: { type: 'string', default: 'sqlite' },
    directory: { type: 'string', default: '.' },
  },
})
const everyMs = 1000 / Number(values.rate)

await inWorkDirectory(values, main)

async function main(work: string, settings: Settings): Promise<void> {
  const init = await usherJson<Init>(work, ['init'], settings)
  const add = ['organization', 'add', '--kind', 'customer', '--name', 'Other']
  const other = (await usherJson<{ id: string }>(work, add, settings)).id
  const script = join(import.meta.dirname, 'load-users.ts')
  const env = await programEnvironment(work, settings)
  await promisify(execFile)(process.execPath, [script, '--users', values.users], { env })
  const usher = await serve(work, { settings })
  const token = await getToken(usher.url, init.clients.administrator)
  const call = (method: string, path: string, body?: object): Promise<HttpResponse> =>
    send(usher.url, {
      method,
      path,
      headers: {
        'content-type': body && 'application/json',
        'x-tenant': init.portal,
        authorization: `Bearer ${token}`,
      },
      body: body && JSON.stringify(body),
    })
  const newUser = (): object => ({
    ...{ firstName: 'Ada', lastName: 'Lovelace', groups: [] },
    email: `${randomUUID()}@example.com`,
  })
  const calls = [
    () => call('POST', `/v1/customer/${other}/users`, newUser()),
    () => call('GET', `/v1/Customers/${other}`),
    () => call('GET', '/v1/Customers'),
    () => call('GET', '/v1/users?pageSize=25'),
  ]
  // The lists take up loaded users in the background.
  while ((await call('GET', '/v1/users')).status === 503) await pause(500)
  await measure(calls, async () => pause(3_000))
  report('before', await measure(calls, async () => pause(Number(values.seconds) * 1000)))
  const began = performance.now()
  const { headers } = await call('DELETE', `/v1/Customers/${init.customer.id}`)
  const during = await measure(calls, async () => {
    while (jsonOf<{ endedAt: string | null }>(await call('GET', String(headers.location))).endedAt === null)
      await pause(500)
  })
  report('during', during)
  process.stdout.write(`the job took ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  await usher.stop()
}

/** Makes calls at the rate until the work is done. Returns how long each took, in milliseconds. */
async function measure(
  calls: readonly (() => Promise<HttpResponse>)[],
  work: () => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = []
  const running: Promise<unknown>[] = []
  let isDone = false
  const ended = work().finally(() => {
    isDone = true
  })
  for (let i = 0, next = performance.now(); !isDone; i++) {
    const run = calls[i % calls.length] as () => Promise<HttpResponse>
    const began = performance.now()
    running.push(
      run().then(({ status, text }) => {
        if (status >= 300) throw new Error(`${status} ${text}`)
        times.push(performance.now() - began)
      }),
    )
    next += everyMs
    await pause(Math.max(0, next - performance.now()))
  }
  await Promise.all([ended, ...running])
  return times
}

function report(what: string, times: number[]): void {
  times.sort((one, other) => one - other)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(2)
  process.stdout.write(`${what}: ${times.length} calls, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`)
}
