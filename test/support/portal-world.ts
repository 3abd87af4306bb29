import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createClient } from '../../src/directory/clients.ts'
import { operatorOf } from '../../src/directory/context.ts'
import type { Directory } from '../../src/directory/directory.ts'
import { adoptCustomer } from '../../src/directory/tenants.ts'
import { createUser } from '../../src/directory/users.ts'
import { newLogger } from '../../src/logger.ts'
import { newMetrics } from '../../src/metrics.ts'
import type { Context, Permission } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import type { Store, Tx } from '../../src/store/port.ts'
import { insertOrganization, insertPortal } from '../../src/store/tables/organizations.ts'
import { getToken } from '../../testing/usher.ts'
import {
  addOrganization,
  addPortal,
  getOrganization,
  newTestDirectory,
  newUser,
  type TestDirectory,
} from './directories.ts'
import { newFakePlatform, only } from './platform.ts'
import type { OpenStore } from './stores.ts'

/**
 * A part of the world with a portal: `near` is a reseller with its customers, `sibling` another customer of it,
 * `beside` another reseller of the same provider, `direct` what belongs to the provider alone, `far` another provider.
 */
export type AreaName = 'near' | 'sibling' | 'beside' | 'direct' | 'far'

export interface Area {
  readonly portal: string
  /** Whoever manages the area: a reseller or a provider. */
  readonly owner: Organization
  /** The operator of its provider. */
  readonly operator: Context
  readonly customer: Organization
  /** An administrator of the owner. */
  readonly administrator: string
}

/** The partner portal over HTTP, with two providers in one store. */
export interface PortalWorld {
  readonly url: string
  readonly dir: Directory
  readonly areas: Readonly<Record<AreaName, Area>>
  /** Makes a client, and returns a token of it. */
  newToken(organization: Organization, permission: Permission): Promise<string>
  /**
   * Returns the kinds of the statements that the server made for the request with a correlation id. Caches are empty.
   */
  watch<T>(correlationId: string, call: () => Promise<T>): Promise<{ result: T; statements: string }>
  close(): Promise<void>
}

/** Starts the portal over a new store. */
export async function startPortalWorld(open: OpenStore): Promise<PortalWorld> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const dir = { ...on.dir, now: () => new Date(), store: watchStore(on.dir.store) }
  const config = await readConfig({ USHER_PORT: '0', USHER_FAILURES_PER_MINUTE: '0' })
  const log = await newLogger('silent', process.stderr)
  const opened = { dir, platforms: only(platform), main: platform.name, close: async () => undefined }
  subscribe(REQUEST_START, noteRequest)
  const app = await startApp({ config, log, metrics: newMetrics(), open: opened })
  const newToken: PortalWorld['newToken'] = async (organization, permission) => {
    const { providerPk } = organization
    const provider = await getProvider(on, providerPk)
    const input = { organizationId: organization.id, name: 'Client', permission }
    const { id, secret } = await createClient(on.dir, operatorOf(provider), input)
    return getToken(app.url, { client_id: id, client_secret: secret ?? '' })
  }
  return {
    url: app.url,
    dir,
    areas: await makeAreas(on, newToken),
    newToken,
    async watch(correlationId, call) {
      for (const cache of [dir.portals, dir.createScopes, dir.groups]) cache.clear()
      const statements: string[] = []
      watched.set(correlationId, statements)
      const result = await call()
      watched.delete(correlationId)
      return { result, statements: statements.join(' ') }
    },
    async close() {
      unsubscribe(REQUEST_START, noteRequest)
      await app.close()
    },
  }
}

const providers = new Map<number, Organization>()

async function getProvider(on: TestDirectory, pk: number): Promise<Organization> {
  return providers.get(pk) ?? getOrganization(on.dir, on.setup.provider.id)
}

type NewToken = PortalWorld['newToken']

async function makeAreas(on: TestDirectory, newToken: NewToken): Promise<PortalWorld['areas']> {
  const provider = await getOrganization(on.dir, on.setup.provider.id)
  const near = await getOrganization(on.dir, on.resellerId)
  await addPortal(on, 'near.example', near.id)
  const beside = await addOrganization(on, 'reseller')
  await addPortal(on, 'beside.example', beside.id)
  const far = await addProvider(on)
  const make = async (portal: string, owner: Organization): Promise<Area> => {
    const operator = owner === far ? operatorOf(far) : on.operator
    const resellers = owner.kind === 'reseller' ? [owner.id] : []
    const customer = await addOrganization({ ...on, operator }, 'customer', resellers)
    await addTenant(on.dir, operator, customer)
    return { portal, owner, operator, customer, administrator: await newToken(owner, 'administrator') }
  }
  return {
    near: await make('near.example', near),
    sibling: await make('near.example', near),
    beside: await make('beside.example', beside),
    direct: await make('portal.example', provider),
    far: await make('far.example', far),
  }
}

/** Another provider in the same store. */
async function addProvider({ dir }: TestDirectory): Promise<Organization> {
  const now = new Date().toISOString()
  const provider = await dir.store.write(async (tx) => {
    const root = { id: newId(), kind: 'provider', name: 'Far', providerPk: null, now } as const
    const organization = await insertOrganization(tx, root)
    await insertPortal(tx, { domain: 'far.example', organization: organization.pk, now })
    return organization
  })
  providers.set(provider.pk, provider)
  return provider
}

/** Gives a customer a tenant, so that its users can have accounts. */
export async function addTenant(dir: Directory, operator: Context, customer: Organization): Promise<void> {
  await adoptCustomer(dir, operator, { customerId: customer.id, name: undefined, orgIds: [] })
}

/** Makes a user in the customer of an area, or in another organization. Returns their id and address. */
export async function addUserTo(
  { dir }: PortalWorld,
  { operator, customer }: Area,
  organization = customer,
): Promise<{ id: string; email: string }> {
  const email = `${newId()}@example.com`
  const request = { organizationId: organization.id, user: newUser({ email }) }
  return { id: (await createUser(dir, operator, request)).id, email }
}

const WATCHED: ReadonlySet<string | symbol> = new Set([
  ...['get', 'all', 'insert', 'run', 'query', 'insertUsers'],
])

const REQUEST_START = 'http.server.request.start'
/** The statements of the requests that are watched, by their correlation ids. */
const watched = new Map<string, string[]>()
/** The statements of the request that the running code serves. */
const current = new AsyncLocalStorage<string[] | undefined>()

function noteRequest(message: unknown): void {
  const { headers } = (message as { request: IncomingMessage }).request
  current.enterWith(watched.get(String(headers['x-correlation-id'])))
}

function watchTx(tx: Tx, statements: string[]): Tx {
  return new Proxy(tx, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (WATCHED.has(name)) statements.push(String(name))
        return Reflect.apply(member, target, args)
      }
    },
  })
}

/** A store that notes the kind of each statement. A unit may run in the commit of another request. */
function watchStore(store: Store): Store {
  const run =
    (method: 'read' | 'write'): Store['read'] =>
    (work) => {
      const statements = current.getStore()
      return store[method](statements ? (tx) => work(watchTx(tx, statements)) : work)
    }
  const methods = { read: run('read'), write: run('write') }
  return new Proxy(store, {
    get(target, name) {
      if (name === 'read' || name === 'write') return methods[name]
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
