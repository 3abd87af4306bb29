import type { Command } from 'commander'
import { createOrganization, deleteOrganization, listOrganizations } from '../directory/organizations.ts'
import { relateOrganization } from '../directory/relations.ts'
import { action, type Output, type Session, UsageError, withDirectory } from './command.ts'
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
    .action(
      action(session, (customer: string, options: { reseller: string }) =>
        relate(session, customer, options.reseller),
      ),
    )
  organization
    .command('list')
    .description('List organizations, oldest first')
    .addOption(newChoice('--kind <kind>', 'List only this kind', ['provider', 'reseller', 'customer']))
    .option(...LIMIT, 1_000)
    .action(action(session, (options: ListOptions) => list(session, options)))
  organization
    .command('remove')
    .description(
      'Remove a reseller or customer that never had users or clients, and has no portal or tenant; its relations end',
    )
    .argument('<id>', 'Id of the organization')
    .action(action(session, (id: string) => remove(session, id)))
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

function relate(session: Session, customerId: string, resellerId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await relateOrganization(dir, ctx, { customerId, resellerId })
    return {
      json: { customer: customerId, reseller: resellerId },
      lines: [`Reseller ${resellerId} can now manage customer ${customerId}.`],
    }
  })
}

interface ListOptions {
  readonly kind?: 'provider' | 'reseller' | 'customer'
  readonly limit: number
}

function list(session: Session, { kind, limit }: ListOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { items: found, more } = cutPage(
      await listOrganizations(dir, ctx, { kind, after: 0, limit: limit + 1 }),
      limit,
    )
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
