import type { Command } from 'commander'
import { listCustomers } from '../directory/customers.ts'
import { createOrganization, deleteOrganization, listOrganizations } from '../directory/organizations.ts'
import { relateOrganization } from '../directory/relations.ts'
import { listResellers } from '../directory/resellers.ts'
import { ORGANIZATION_KINDS, type Organization } from '../model/organizations.ts'
import { action, type Opened, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { defineCompany } from './company.ts'
import { LIMIT, newChoice } from './options.ts'
import { cutPage, describeMore } from './pages.ts'
import { formatTable } from './table.ts'

/** `usher organization`: the resellers and customers of the provider. */
export function defineOrganization(organization: Command, session: Session): void {
  organization
    .command('add')
    .description('Add a reseller or a customer')
    .addOption(
      newChoice('--kind <kind>', 'Kind of organization', ['reseller', 'customer']).makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'Name of the organization')
    .option(
      '--reseller <id...>',
      'Ids of the resellers that may manage the customer (only with --kind customer)',
    )
    .action(action(session, (options: AddOptions) => addOrganization(session, options)))
  organization
    .command('relate')
    .description('Let a reseller manage a customer')
    .argument('<customer>', 'Id of the customer')
    .requiredOption('--reseller <id>', 'Id of the reseller')
    .option('--from <id>', 'Move the customer from this reseller: its relation ends, and its users go along')
    .action(action(session, (customer: string, options: RelateOptions) => relate(session, customer, options)))
  organization
    .command('list')
    .description('List organizations, oldest first')
    .addOption(newChoice('--kind <kind>', 'List only this kind', ORGANIZATION_KINDS))
    .option('--search <text>', 'List only customers or resellers with this part in their name, by name')
    .option(...LIMIT, 1_000)
    .action(action(session, (options: ListOptions) => list(session, options)))
  organization
    .command('remove')
    .description(
      'Remove a reseller or customer that never had users or clients, and has no portal or tenant; its relations end',
    )
    .argument('<id>', 'Id of the organization')
    .action(action(session, (id: string) => remove(session, id)))
  defineCompany(organization, session)
}

interface AddOptions {
  readonly kind: 'reseller' | 'customer'
  readonly name: string
  readonly reseller?: readonly string[]
}

async function addOrganization(session: Session, options: AddOptions): Promise<Output> {
  const { kind, name, reseller: resellerIds = [] } = options
  if (kind === 'reseller' && resellerIds.length > 0)
    throw new UsageError("option '--reseller <id...>' can only be used with '--kind customer'")
  return withDirectory(session, async ({ dir, ctx }) => {
    const { id } = await createOrganization(dir, ctx, { kind, name, resellerIds })
    return { json: { id, kind, name }, lines: [id] }
  })
}

interface RelateOptions {
  readonly reseller: string
  readonly from?: string
}

function relate(session: Session, customerId: string, options: RelateOptions): Promise<Output> {
  const { reseller: resellerId, from } = options
  return withDirectory(session, async ({ dir, ctx }) => {
    await relateOrganization(dir, ctx, { customerId, resellerId, from })
    return {
      json: { customer: customerId, reseller: resellerId },
      lines: [`Reseller ${resellerId} can now manage customer ${customerId}.`],
    }
  })
}

interface ListOptions {
  readonly kind?: 'provider' | 'reseller' | 'customer'
  readonly search?: string
  readonly limit: number
}

async function find({ dir, ctx }: Opened, { kind, search, limit }: ListOptions): Promise<Organization[]> {
  if (search === undefined) return listOrganizations(dir, ctx, { kind, after: 0, limit })
  const page = { offset: 0, limit, ascending: true }
  const by = { by: 'name', text: search } as const
  if (kind === 'reseller') return [...(await listResellers(dir, ctx, { filter: { search: by }, page })).items]
  const filter = { search: by, includeDeleted: false }
  return [...(await listCustomers(dir, ctx, { filter, page })).items]
}

function list(session: Session, options: ListOptions): Promise<Output> {
  const { kind, search, limit } = options
  if (search !== undefined && kind !== 'customer' && kind !== 'reseller')
    throw new UsageError("option '--search <text>' needs '--kind customer' or '--kind reseller'")
  return withDirectory(session, async (opened) => {
    const { items: found, more } = cutPage(await find(opened, { ...options, limit: limit + 1 }), limit)
    const json = found.map(({ id, kind, name, createdAt }) => ({ id, kind, name, createdAt }))
    const rows = json.map((one) => [one.id, one.kind, one.name])
    const lines = formatTable(['ID', 'KIND', 'NAME'], rows)
    return { json, lines, note: more ? describeMore(limit) : undefined }
  })
}

function remove(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await deleteOrganization(dir, ctx, id)
    return { json: { removed: id }, lines: [`Removed ${id}.`] }
  })
}
