import type { Command } from 'commander'
import { adoptCustomer, queryTenants } from '../directory/tenants.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { LIMIT } from './options.ts'
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
    .action(action(session, (options: CreateOptions) => create(session, options)))
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
}

function create(session: Session, options: CreateOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { id, name, orgIds } = await adoptCustomer(dir, ctx, {
      customerId: options.customer,
      name: options.name,
      orgIds: options.org ?? [],
    })
    return { json: { id, name, orgs: orgIds }, text: id }
  })
}

function list(session: Session, limit: number): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { items } = await queryTenants(dir, ctx, { filter: {}, page: { offset: 0, limit } })
    const json = items.map(({ id, name, organizationId, platform, orgIds }) => ({
      id,
      name,
      customer: organizationId,
      platform,
      orgs: orgIds,
    }))
    const rows = json.map((one) => [
      ...[one.id, one.customer, one.platform, one.name],
      one.orgs.join(' ') || null,
    ])
    return { json, text: formatTable(['ID', 'CUSTOMER', 'PLATFORM', 'NAME', 'ORGS'], rows) }
  })
}
