import type { Command } from 'commander'
import { createPortal, deletePortal, listPortals } from '../directory/organizations.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { formatTable } from './table.ts'

/** `usher portal`: the DNS domains that select an organization in the partner-portal API. */
export function definePortal(portal: Command, session: Session): void {
  portal
    .command('add')
    .description('Add the domain of a portal of the provider or a reseller')
    .argument('<domain>', 'DNS name of the portal, which callers send in the header X-Tenant')
    .requiredOption('--organization <id>', 'Id of the provider or reseller that the portal belongs to')
    .action(
      action(session, (domain: string, options: { organization: string }) =>
        add(session, domain, options.organization),
      ),
    )
  portal
    .command('list')
    .description('List all portals')
    .action(action(session, () => list(session)))
  portal
    .command('remove')
    .description('Remove a portal; calls through it are refused within 5 seconds')
    .argument('<domain>', 'DNS name of the portal')
    .action(action(session, (domain: string) => remove(session, domain)))
}

function add(session: Session, name: string, organizationId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { domain } = await createPortal(dir, ctx, { domain: name, organizationId })
    return { json: { domain, organization: organizationId }, lines: [domain] }
  })
}

function list(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const portals = await listPortals(dir, ctx)
    const rows = portals.map((one) => [one.domain, one.organizationId, one.organizationName])
    return {
      json: portals.map((one) => ({ domain: one.domain, organization: one.organizationId })),
      lines: formatTable(['DOMAIN', 'ORGANIZATION', 'NAME'], rows),
    }
  })
}

function remove(session: Session, domain: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await deletePortal(dir, ctx, domain)
    return { json: { removed: domain }, lines: [`Removed ${domain}.`] }
  })
}
