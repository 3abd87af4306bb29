import type { Command } from 'commander'
import { type Config, ConfigError } from '../config.ts'
import { createClient, deleteClient, listClients } from '../directory/clients.ts'
import type { ExternalId } from '../model/clients.ts'
import { PERMISSIONS, type Permission } from '../model/context.ts'
import { action, type Output, type Secret, type Session, UsageError, withDirectory } from './command.ts'
import { newChoice } from './options.ts'
import { assertOpen } from './output.ts'
import { formatTable } from './table.ts'

/** `usher client`: the programs that may call the APIs. */
export function defineClient(client: Command, session: Session): void {
  client
    .command('add')
    .description('Create a client; the secret is shown only once')
    .requiredOption('--organization <id>', 'Id of the organization that the client belongs to')
    .addOption(
      newChoice('--permission <permission>', 'What the client may do', PERMISSIONS).makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'Name that lists show for the client')
    .option('--issuer <url>', 'External token issuer of the client, instead of a secret (with --external-id)')
    .option('--external-id <id>', 'Id of the client at the external issuer (with --issuer)')
    .action(action(session, (options: AddOptions) => add(session, options)))
  client
    .command('list')
    .description('List all clients')
    .action(action(session, () => list(session)))
  client
    .command('remove')
    .description('Remove a client; its calls are refused within 5 seconds')
    .argument('<id>', 'Id of the client')
    .action(action(session, (id: string) => remove(session, id)))
}

interface AddOptions {
  readonly organization: string
  readonly permission: Permission
  readonly name: string
  readonly issuer?: string
  readonly externalId?: string
}

async function add(session: Session, options: AddOptions): Promise<Output> {
  const { organization: organizationId, permission, name } = options
  const external = toExternal(options)
  if (!external) assertOpen(session.io.stdout)
  return withDirectory(session, async ({ config, dir, ctx }) => {
    if (external) assertConfigured(external, config)
    const { id, secret } = await createClient(dir, ctx, { organizationId, name, permission, external })
    const json = { client_id: id, ...(secret && { client_secret: secret }) }
    const lines = [`CLIENT_ID=${id}`, ...(secret ? [`CLIENT_SECRET=${secret}`] : [])]
    return { json, lines, ...(secret && { secret: newSecret(session, id) }) }
  })
}

/** A client whose secret was not shown is of no use. */
function newSecret(session: Session, id: string): Secret {
  return {
    remove: () => withDirectory(session, ({ dir, ctx }) => deleteClient(dir, ctx, id)),
    advice: `the client ${id} was removed again, because its secret was not shown: add another one`,
  }
}

/**
 * Refuses an issuer whose tokens a server with these settings would refuse.
 * @throws {ConfigError}
 */
function assertConfigured({ issuer }: ExternalId, { issuers }: Config): void {
  if (issuers.some((one) => one.issuer === issuer)) return
  const known = issuers.map((one) => `'${one.issuer}'`).join(', ')
  const reason = known
    ? `USHER_ISSUERS has ${known}`
    : 'USHER_ISSUERS is not set; set it in this shell as for the server'
  throw new ConfigError([`--issuer '${issuer}' is not a configured issuer: ${reason}`])
}

function toExternal({ issuer, externalId: id }: AddOptions): ExternalId | undefined {
  if (issuer !== undefined && id !== undefined) return { issuer, id }
  if (issuer !== undefined || id !== undefined)
    throw new UsageError("options '--issuer <url>' and '--external-id <id>' must be used together")
  return undefined
}

function list(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json = (await listClients(dir, ctx)).map(({ id, name, permission, organization, createdAt }) => ({
      client_id: id,
      name,
      permission,
      organization: organization.id,
      createdAt,
    }))
    const rows = json.map((one) => [one.client_id, one.permission, one.organization, one.name])
    return { json, lines: formatTable(['CLIENT', 'PERMISSION', 'ORGANIZATION', 'NAME'], rows) }
  })
}

function remove(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await deleteClient(dir, ctx, id)
    return { json: { removed: id }, lines: [`Removed ${id}.`] }
  })
}
