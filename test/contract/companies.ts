import { randomUUID } from 'node:crypto'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { waitUntil } from '../../testing/wait.ts'
import { callPortal, idOf, type PortalCall } from './portal.ts'
import { newToken, type Reachable, type Target } from './target.ts'

export type Company = Readonly<Record<string, unknown>>

/** Returns the body of a create of a customer that succeeds, with the given members in place of its own. */
export function newCustomer(members: Company = {}): Record<string, unknown> {
  const { zipCode, ...shared } = newReseller({ middleName: 'King' })
  return { ...shared, zip: zipCode, ...members }
}

/** As `newCustomer`, for a reseller. */
export function newReseller(members: Company = {}): Record<string, unknown> {
  return {
    companyName: `Company ${randomUUID()}`,
    taxId: '501234567',
    country: 'PT',
    addressLine1: 'Rua Augusta 1',
    addressLine2: 'Piso 2',
    city: 'Lisboa',
    state: 'Lisboa',
    zipCode: '1100-048',
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: `ada@${randomUUID()}.example`,
    phone: '+351 912 345 678',
    ...members,
  }
}

/** Creates a customer; returns its id. */
export async function addCustomer(
  target: Reachable,
  members: Company = {},
  call: PortalCall = {},
): Promise<string> {
  return idOf(await callPortal(target, 'POST', '/Customers', { ...call, body: newCustomer(members) }))
}

/** Creates a reseller; returns its id. */
export async function addReseller(target: Reachable, members: Company = {}): Promise<string> {
  return idOf(await callPortal(target, 'POST', '/Resellers', { body: newReseller(members) }))
}

/** How a client of a reseller calls: through the reseller's own portal. */
export interface ResellerCall {
  readonly id: string
  readonly token: string
  readonly portal: string
}

/** Creates a reseller with a portal and a client. */
export async function addCaller(
  target: Target,
  permission: 'administrator' | 'viewer' = 'administrator',
): Promise<ResellerCall> {
  const id = await addReseller(target)
  const domain = `${randomUUID()}.example`
  await callPortal(target, 'PUT', `/Resellers/${id}/portal`, { body: { domain } })
  return { id, token: await newToken(target, id, permission), portal: domain }
}

/** A page of a list. */
export interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[]
  readonly totalCount: number
  readonly totalPages: number
}

/** Lists customers or resellers. */
export async function list(target: Reachable, path: string, call: PortalCall = {}): Promise<Page> {
  return jsonOf<Page>(await callPortal(target, 'GET', path, call))
}

/** Reads one customer or reseller. */
export async function read(
  target: Reachable,
  path: string,
  call: PortalCall = {},
): Promise<Readonly<Record<string, unknown>>> {
  return jsonOf(await callPortal(target, 'GET', path, call))
}

/** How long a job may take. */
const JOB_MS = 60_000

/** Waits until a job has ended; returns it. */
export async function awaitJob(
  target: Reachable,
  response: HttpResponse,
): Promise<{ readonly state: string; readonly result: Readonly<Record<string, unknown>> }> {
  const path = String(response.headers.location).replace(/^\/v1/, '')
  let job = await read(target, path)
  await waitUntil(async () => {
    job = await read(target, path)
    return job.endedAt !== null
  }, JOB_MS)
  return job as Awaited<ReturnType<typeof awaitJob>>
}
