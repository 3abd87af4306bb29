import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { startRgw } from '../../testing/rgw.ts'
import { getToken, type Init, newDataDir, serve } from '../../testing/usher.ts'

const SOURCE = join(import.meta.dirname, '../../src')
const HOOKS = join(import.meta.dirname, 'trace-calls.ts')
/** How many requests are traced, after others that fill caches and start the thread of creates. */
const [TRACED, BEFORE] = [6, 10]
/** What follows a response belongs to the way as well, for example the record that an account is applied. */
const SETTLE_MS = 100

/** A function and the function that called it first, each as `file:first-last` (lines). */
export type Call = readonly [callee: string, caller: string]

/** The way of one create through the source, as somebody reads it who follows the calls. */
export interface CreatePath {
  readonly files: number
  /** In each file, the lines from the first function passed to the last one. */
  readonly lines: number
  /** Calls that lead the reader back into a file that they have left already; see `listReturns`. */
  readonly returns: readonly Call[]
  /** Every function passed, in the order of the first calls. */
  readonly calls: readonly Call[]
}

/** Traces one create of each dialect through the real program, on SQLite and a stand-in for a Ceph RGW. */
export async function traceCreates(): Promise<{ portal: CreatePath; osis: CreatePath }> {
  const { path, remove } = newDataDir()
  const output = join(path, 'trace.json')
  const rgw = await startRgw()
  const settings = {
    ...rgw.settings,
    NODE_OPTIONS: `--import=${pathToFileURL(HOOKS).href}`,
    TRACE_SOURCE: SOURCE,
    TRACE_OUTPUT: output,
  }
  const usher = await serve(join(path, 'data'), { args: ['--json'], settings })
  const init = JSON.parse(usher.stdout()) as Init
  const takeCalls = async (): Promise<Call[]> => {
    rmSync(output, { force: true })
    usher.process.kill('SIGUSR2')
    while (!existsSync(output)) await pause(5)
    return JSON.parse(readFileSync(output, 'utf8')) as Call[]
  }
  try {
    const token = await getToken(usher.url, init.clients.administrator)
    const tenant = await createTenant(usher.url, init)
    const portal = await trace(takeCalls, (n) => createPortalUser(usher.url, init, token, n))
    const osis = await trace(takeCalls, (n) => createOsisUser(usher.url, init, tenant, n))
    return { portal, osis }
  } finally {
    await usher.stop()
    rgw.close()
    remove()
  }
}

async function createTenant(url: string, init: Init): Promise<string> {
  const body = { name: 'Traced', cd_tenant_ids: ['traced'] }
  const tenant = (await post(`${url}/api/v1/tenants`, osisHeaders(init), body)) as { tenant_id: string }
  return tenant.tenant_id
}

function createPortalUser(url: string, init: Init, token: string, n: number): Promise<unknown> {
  const body = {
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: `ada${n}@example.com`,
    role: {},
    groups: [{ id: init.groups.Viewer }],
  }
  const headers = { authorization: `Bearer ${token}`, 'x-tenant': init.portal }
  return post(`${url}/v1/customer/${init.customer.id}/users`, headers, body)
}

function createOsisUser(url: string, init: Init, tenant: string, n: number): Promise<unknown> {
  const body = {
    cd_user_id: `grace${n}`,
    cd_tenant_id: 'traced',
    username: `grace${n}`,
    email: `grace${n}@example.com`,
    role: 'TENANT_USER',
  }
  return post(`${url}/api/v1/tenants/${tenant}/users`, osisHeaders(init), body)
}

function osisHeaders({ clients: { osis } }: Init): Record<string, string> {
  const basic = Buffer.from(`${osis.client_id}:${osis.client_secret}`).toString('base64')
  return { authorization: `Basic ${basic}` }
}

async function post(url: string, headers: Record<string, string>, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (response.status !== 201) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** Traces several creates. */
async function trace(
  takeCalls: () => Promise<Call[]>,
  create: (n: number) => Promise<unknown>,
): Promise<CreatePath> {
  const traces: Call[][] = []
  for (let n = 0; n < BEFORE + TRACED; n++) {
    await takeCalls()
    await create(n)
    await pause(SETTLE_MS)
    traces.push(await takeCalls())
  }
  const calls = pickUsual(traces.slice(BEFORE))
  return { files: countFiles(calls), lines: countLines(calls), returns: listReturns(calls), calls }
}

/**
 * Returns the trace that came most often. In others a cache expired, or a loop did a part of the work of the create.
 */
function pickUsual(traces: readonly Call[][]): Call[] {
  const keyOf = (calls: readonly Call[]): string => JSON.stringify(calls.map(([callee]) => callee).sort())
  const groups = [...Map.groupBy(traces, keyOf).values()]
  return groups.reduce((one, other) => (other.length > one.length ? other : one))[0] ?? []
}

interface Place {
  readonly file: string
  readonly first: number
  readonly last: number
}

function toPlace(step: string): Place {
  const [file = '', range = ''] = step.split(':')
  const [first = 0, last = 0] = range.split('-').map(Number)
  return { file, first, last }
}

function countFiles(calls: readonly Call[]): number {
  return new Set(calls.map(([callee]) => toPlace(callee).file)).size
}

function countLines(calls: readonly Call[]): number {
  const spans = new Map<string, { first: number; last: number }>()
  for (const [callee] of calls) {
    const { file, first, last } = toPlace(callee)
    const span = spans.get(file) ?? { first, last }
    spans.set(file, { first: Math.min(span.first, first), last: Math.max(span.last, last) })
  }
  return [...spans.values()].reduce((sum, { first, last }) => sum + last - first + 1, 0)
}

/**
 * The calls that lead back into a file that the reader has left. Three kinds of calls do not count: of a function
 * inside one that they have read (a callback), of a function that leads on to nothing unread, and a further call by
 * the same caller into the same file.
 * @param calls in the order of the first calls
 */
export function listReturns(calls: readonly Call[]): Call[] {
  const callers = new Set(calls.map(([, caller]) => caller))
  const read: Place[] = []
  const followed = new Set<string>()
  const returns: Call[] = []
  for (const [callee, caller] of calls) {
    const place = toPlace(callee)
    const inFile = read.filter((one) => one.file === place.file)
    const isRead = inFile.some((one) => one.first <= place.first && one.last >= place.last)
    const isLocal = toPlace(caller).file === place.file
    const edge = `${caller} ${place.file}`
    if (inFile.length > 0 && !isRead && !isLocal && callers.has(callee) && !followed.has(edge))
      returns.push([callee, caller])
    read.push(place)
    followed.add(edge)
  }
  return returns
}
