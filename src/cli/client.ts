import type { Command } from 'commander'
import { type Config, ConfigError } from '../config.ts'
import { createClient, deleteClient, getClient, listClients, rotateClient } from '../directory/clients.ts'
import { findLastEnd } from '../directory/secret-overlap.ts'
import type { Client, ExternalId } from '../model/clients.ts'
import { PERMISSIONS, type Permission } from '../model/context.ts'
import { action, type Output, type Secret, type Session, UsageError, withDirectory } from './command.ts'
import {
  LIMIT,
  newChoice,
  newNowOption,
  newUntilOption,
  type RotateOptions,
  toPreviousUntil,
} from './options.ts'
import { assertOpen } from './output.ts'
import { describeMore } from './pages.ts'
import { formatMembers, formatTable, toLabel } from './table.ts'

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
    .description('List clients, oldest first, with the time of their last call')
    .option('--organization <id>', 'Only the clients of this organization')
    .option(...LIMIT, 1_000)
    .action(action(session, (options: ListOptions) => list(session, options)))
  client
    .command('show')
    .description('Show a client')
    .argument('<id>', 'Id of the client')
    .action(action(session, (id: string) => show(session, id)))
  defineRotate(client, session)
  client
    .command('remove')
    .description('Remove a client; its calls are refused within 5 seconds')
    .argument('<id>', 'Id of the client')
    .action(action(session, (id: string) => remove(session, id)))
}

function defineRotate(client: Command, session: Session): void {
  client
    .command('rotate')
    .description('Replace the secret of a client; the new one is shown only once')
    .argument('<id>', 'Id of the client')
    .addOption(newUntilOption('Time until which the former secret is accepted'))
    .addOption(
      newNowOption(
        'End the former secret, and the access tokens that it got, within 5 seconds; refresh tokens of OSIS are ' +
          'ended with usher token revoke',
      ),
    )
    .action(action(session, (id: string, options: RotateOptions) => rotate(session, id, options)))
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

interface ListOptions {
  readonly organization?: string
  readonly limit: number
}

function list(session: Session, { organization: organizationId, limit }: ListOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const page = { offset: 0, limit }
    const { items, total } = await listClients(dir, ctx, { organizationId, page })
    const json = items.map((client) => toJson(client, dir.now()))
    const rows = json.map((one) => {
      return [one.client_id, one.permission, one.organization, one.lastUsedAt, one.name]
    })
    const lines = formatTable(['CLIENT', 'PERMISSION', 'ORGANIZATION', 'LAST CALL', 'NAME'], rows)
    return { json, lines, note: total > items.length ? describeMore(limit) : undefined }
  })
}

function show(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json = toJson(await getClient(dir, ctx, id), dir.now())
    const { client_id: clientId, ...members } = json
    const shown = Object.entries(members).map(([name, value]) => [toLabel(name), value] as const)
    return { json, lines: formatMembers([['Client', clientId], ...shown]) }
  })
}

function toJson(client: Client, now: Date) {
  return {
    client_id: client.id,
    name: client.name,
    permission: client.permission,
    organization: client.organization.id,
    issuer: client.external?.issuer ?? null,
    externalId: client.external?.id ?? null,
    createdAt: client.createdAt,
    secretCreatedAt: client.secretAt,
    oldSecretValidUntil: findLastEnd(client.previousSecrets, now),
    lastUsedAt: client.lastUsedAt,
  }
}

function rotate(session: Session, id: string, options: RotateOptions): Promise<Output> {
  assertOpen(session.io.stdout)
  return withDirectory(session, async ({ dir, ctx }) => {
    const rotated = await rotateClient(dir, ctx, { id, previousUntil: toPreviousUntil(options) })
    const end = rotated.previousUntil
    const kept = end === null ? 'The former secret has ended.' : `The former secret is accepted until ${end}.`
    return {
      json: { client_id: rotated.id, client_secret: rotated.secret, oldSecretValidUntil: end },
      lines: [
        `CLIENT_ID=${rotated.id}`,
        `CLIENT_SECRET=${rotated.secret}`,
        ...(end === null ? [] : [`OLD_SECRET_VALID_UNTIL=${end}`]),
      ],
      secret: {
        remove: async () => undefined,
        advice: `the new secret of the client ${id} was not shown: rotate it again. ${kept}`,
      },
    }
  })
}

function remove(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await deleteClient(dir, ctx, id)
    return { json: { removed: id }, lines: [`Removed ${id}.`] }
  })
}
