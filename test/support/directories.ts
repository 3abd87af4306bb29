import { createAccount } from '../../src/directory/accounts.ts'
import { createClient, findClient } from '../../src/directory/clients.ts'
import { clientContext, operatorContext } from '../../src/directory/context.ts'
import { type Directory, newDirectory } from '../../src/directory/directory.ts'
import { createOrganization, createPortal } from '../../src/directory/organizations.ts'
import { newSealer } from '../../src/directory/sealing/sealer.ts'
import { type Setup, setUp } from '../../src/directory/setup.ts'
import { listUsers } from '../../src/directory/user-lists.ts'
import type { Account } from '../../src/model/accounts.ts'
import type { AuditEntry } from '../../src/model/audit.ts'
import type { Context, Permission } from '../../src/model/context.ts'
import { DirectoryError, type ErrorCode } from '../../src/model/error.ts'
import { newId } from '../../src/model/ids.ts'
import type { Organization } from '../../src/model/organizations.ts'
import type { Group, NewUser, User } from '../../src/model/users.ts'
import { CEPH_RGW_OWNER_FORM } from '../../src/platform/ceph-rgw/users.ts'
import { selectAuditEntries } from '../../src/store/audit/entries.ts'
import type { Store } from '../../src/store/port.ts'
import { selectOrganization } from '../../src/store/tables/organizations.ts'
import { type OpenStore, TEST_MASTER_KEY } from './stores.ts'

/** A directory in this process that has been set up with the example, and a clock that stands still. */
export interface TestDirectory {
  readonly dir: Directory
  readonly setup: Setup
  readonly customerId: string
  readonly resellerId: string
  readonly tenantId: string
  readonly orgId: string
  readonly groupIds: readonly string[]
  /** The provider's own client, the OSIS client, and the operator. */
  readonly provider: Context
  readonly osis: Context
  readonly operator: Context
  readonly clock: { now: Date }
}

export async function newTestDirectory(open: OpenStore, platform = 'embedded'): Promise<TestDirectory> {
  const clock = { now: new Date('2026-11-22T08:00:00.000Z') }
  const sealer = newSealer([TEST_MASTER_KEY])
  const ownerForms = new Map([[platform, CEPH_RGW_OWNER_FORM]])
  const dir = newDirectory({
    store: await openEmpty(open),
    sealer,
    platform,
    ownerForms,
    now: () => clock.now,
  })
  const setup = await setUp(dir, { provider: 'Provider', portal: 'portal.example', example: true })
  const { example, administrator, osis, groups } = setup
  if (!example) throw new Error('the directory has no example')
  return {
    dir,
    setup,
    ...example,
    groupIds: Object.values(groups),
    provider: await contextOf(dir, administrator.id),
    osis: await contextOf(dir, osis.id),
    operator: await operatorContext(dir),
    clock,
  }
}

/** Opens a store without an audit key: the set-up makes one. */
export async function openEmpty(open: OpenStore): Promise<Store> {
  const store = await open()
  await store.write((tx) => tx.query((db) => db.deleteFrom('audit_keys')))
  return store
}

/** The context of a client that calls without a portal. */
async function contextOf(dir: Directory, clientId: string): Promise<Context> {
  const client = await findClient(dir, clientId)
  if (!client) throw new Error(`there is no client ${clientId}`)
  return clientContext(client, newId(), '192.0.2.1')
}

/**
 * The id of the client that calls.
 * @throws {Error} for another kind of caller
 */
export function clientIdOf({ caller }: Context): string {
  if (caller.kind !== 'client') throw new Error(`the caller is ${caller.kind}, not a client`)
  return caller.id
}

/** A new client of an organization, as the context of its calls. */
export async function addClient(
  { dir, operator }: TestDirectory,
  organizationId: string,
  permission: Permission = 'administrator',
): Promise<Context> {
  const { id } = await createClient(dir, operator, { organizationId, name: 'Client', permission })
  return contextOf(dir, id)
}

export function addOrganization(
  { dir, operator }: Pick<TestDirectory, 'dir' | 'operator'>,
  kind: 'reseller' | 'customer',
  resellerIds: readonly string[] = [],
): Promise<Organization> {
  return createOrganization(dir, operator, { kind, name: `A ${kind}`, resellerIds })
}

export async function addPortal(test: TestDirectory, domain: string, organizationId: string): Promise<void> {
  await createPortal(test.dir, test.operator, { domain, organizationId })
}

export async function getOrganization(dir: Directory, id: string): Promise<Organization> {
  const organization = await dir.store.read((tx) => selectOrganization(tx, id))
  if (!organization) throw new Error(`there is no organization ${id}`)
  return organization
}

export function newUser(change: Partial<NewUser> = {}): NewUser {
  return { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com', groupIds: [], ...change }
}

/** What is asked for with an account of a Cloud Director user in the directory's tenant. */
export function newAccountRequest({ tenantId, orgId }: TestDirectory, orgUserId: string) {
  const named = { username: orgUserId, email: null, role: 'TENANT_USER', active: true } as const
  return { tenantId, account: { orgId, orgUserId, ...named } }
}

export async function addAccount(on: TestDirectory, orgUserId = 'ada', orgId = on.orgId): Promise<Account> {
  return (await createAccount(on.dir, on.osis, newAccountRequest({ ...on, orgId }, orgUserId))).account
}

/** The users of an organization, by name, each with the groups that they are in. */
export async function listPeople(
  dir: Directory,
  ctx: Context,
  organizationId: string,
): Promise<(User & { groups: readonly Group[] })[]> {
  const { items } = await listUsers(dir, ctx, {
    organization: { id: organizationId },
    order: { by: 'name', ascending: true },
    page: { offset: 0, limit: 10 },
  })
  return items.map(({ user, groups }) => ({ ...user, groups }))
}

/** The audit log, newest first. */
export function readAudit(dir: Directory, limit = 1_000): Promise<AuditEntry[]> {
  return dir.store.read((tx) => selectAuditEntries(tx, { limit }))
}

/** For `assert.rejects`: a refusal with this code and, when given, with issues about exactly these members. */
export function refusedAs(code: ErrorCode, ...paths: string[]): (error: Error) => boolean {
  return (error) => {
    if (!(error instanceof DirectoryError) || error.code !== code) throw error
    if (paths.length > 0 && error.issues.map((issue) => issue.path).join() !== paths.join()) throw error
    return true
  }
}
