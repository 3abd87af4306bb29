import type { Command } from 'commander'
import { updateTenantAccounts } from '../directory/tenant-accounts.ts'
import { listMovableTenants, moveTenant } from '../directory/tenant-move.ts'
import { adoptCustomer, queryTenants } from '../directory/tenants.ts'
import { DirectoryError } from '../model/error.ts'
import { ACCOUNT_POLICIES, type AccountPolicy } from '../model/tenants.ts'
import { action, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { LIMIT, newChoice } from './options.ts'
import { describeMore } from './pages.ts'
import { formatTable } from './table.ts'

/** `usher tenant`: the tenants of customers on the storage platform. */
export function defineTenant(tenant: Command, session: Session): void {
  tenant
    .command('create')
    .description('Give a customer a tenant on the storage platform')
    .requiredOption('--customer <id>', 'Id of the customer')
    .option('--name <name>', 'Name of the tenant (default: the name of the customer)')
    .option(
      '--org <id...>',
      'Ids of the Cloud Director organizations to map to the tenant; Object Storage Extension can also add them later',
    )
    .addOption(newPolicy().default('named'))
    .action(action(session, (options: CreateOptions) => create(session, options)))
  tenant
    .command('change')
    .description('Say who gets an account in a tenant')
    .argument('<id>', 'Id of the tenant')
    .addOption(newPolicy().makeOptionMandatory())
    .action(
      action(session, (id: string, options: { accounts: AccountPolicy }) => change(session, id, options)),
    )
  tenant
    .command('move')
    .description(
      'Move tenants from the platform embedded to the Ceph RGW of the settings, where their accounts are then created',
    )
    .argument('[id]', 'Id of the tenant')
    .option('--all', 'Move all tenants that are on embedded')
    .action(action(session, (id: string | undefined, options: MoveOptions) => move(session, id, options)))
  tenant
    .command('list')
    .description('List tenants, oldest first, including those without Cloud Director organizations')
    .option(...LIMIT, 1_000)
    .action(action(session, (options: { limit: number }) => list(session, options.limit)))
}

interface CreateOptions {
  readonly customer: string
  readonly name?: string
  readonly org?: readonly string[]
  readonly accounts: AccountPolicy
}

function newPolicy() {
  return newChoice(
    '--accounts <who>',
    'Who gets an account: those whom Cloud Director names, or everyone of the customer',
    ACCOUNT_POLICIES,
  )
}

function create(session: Session, options: CreateOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { customer: customerId, name: sent, org = [], accounts } = options
    const tenant = await adoptCustomer(dir, ctx, { customerId, name: sent, orgIds: org, accounts })
    const { id, name, orgIds, platform } = tenant
    return { json: { id, name, orgs: orgIds, platform, accounts }, lines: [id] }
  })
}

function change(session: Session, id: string, options: { accounts: AccountPolicy }): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { tenant, jobId } = await updateTenantAccounts(dir, ctx, { tenantId: id, ...options })
    const { name, platform, accounts } = tenant
    const json = { id, name, customer: tenant.organizationId, platform, accounts, job: jobId }
    const lines =
      accounts === 'named'
        ? ['Cloud Director names who gets an account. The accounts that exist stay.']
        : ['Everyone of the customer gets an account.']
    if (jobId) lines.push(`A running server gives one to those who have none: usher job show ${jobId}`)
    return { json, lines }
  })
}

interface MoveOptions {
  readonly all?: true
}

function move(session: Session, id: string | undefined, options: MoveOptions): Promise<Output> {
  const all = options.all === true
  if (all === (id !== undefined))
    throw new UsageError("exactly one of a tenant's id and '--all' must be given")
  return withDirectory(session, async ({ dir, ctx }) => {
    const ids = id === undefined ? await listMovableTenants(dir, ctx) : [id]
    const moved: { id: string; platform: string }[] = []
    const refused: string[] = []
    for (const one of ids) {
      const tenant = await moveTenant(dir, ctx, one).catch((error) => toRefusal(error, all))
      if (typeof tenant === 'string') refused.push(tenant)
      else moved.push({ id: tenant.id, platform: tenant.platform })
    }
    const lines = [...refused, ...moved.map((one) => `${one.id} is on ${one.platform}.`)]
    if (moved.length > 0)
      lines.push('Start or restart the server with the same settings: it then creates the accounts.')
    if (ids.length === 0) lines.push('There is no tenant on embedded.')
    return { json: { moved, refused }, lines, failed: refused.length > 0 }
  })
}

/** Returns why a tenant was not moved, if it is one of many: the others are moved all the same. */
function toRefusal(error: unknown, isOneOfMany: boolean): string {
  if (isOneOfMany && error instanceof DirectoryError && error.code === 'tenant_not_movable')
    return error.message
  throw error
}

function list(session: Session, limit: number): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { items, total } = await queryTenants(dir, ctx, { filter: {}, page: { offset: 0, limit } })
    const json = items.map(({ id, name, organizationId, platform, accounts, orgIds }) => ({
      id,
      name,
      customer: organizationId,
      platform,
      accounts,
      orgs: orgIds,
    }))
    const rows = json.map((one) => [
      ...[one.id, one.customer, one.platform, one.accounts, one.name],
      one.orgs.join(' ') || null,
    ])
    const lines = formatTable(['ID', 'CUSTOMER', 'PLATFORM', 'ACCOUNTS', 'NAME', 'ORGS'], rows)
    return { json, lines, note: total > items.length ? describeMore(limit) : undefined }
  })
}
