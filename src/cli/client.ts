import { createClient, deleteClient, listClients } from '../directory/clients.ts'
import { PERMISSIONS } from '../model/context.ts'
import { type Command, choice, type Input, required, table, UsageError, withDirectory } from './command.ts'

export const add: Command = {
  name: 'client add',
  summary: 'Give a program access; its secret is shown this once',
  options: {
    organization: { type: 'string', value: 'ID', required: true, help: 'Whose client it is' },
    permission: { type: 'string', value: 'WHICH', required: true, help: PERMISSIONS.join(', ') },
    name: { type: 'string', value: 'NAME', required: true, help: 'What it is called' },
    issuer: {
      type: 'string',
      value: 'URL',
      help: 'An external issuer that vouches for it, in place of a secret',
    },
    'external-id': { type: 'string', value: 'ID', help: "The client's id at that issuer" },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { id, secret } = await createClient(dir, ctx, {
        organizationId: required(input, 'organization'),
        name: required(input, 'name'),
        permission: choice(input, 'permission', PERMISSIONS) ?? 'viewer',
        external: readExternal(input),
      })
      const json = { client_id: id, ...(secret && { client_secret: secret }) }
      return { json, text: secret ? `CLIENT_ID=${id}\nCLIENT_SECRET=${secret}` : `CLIENT_ID=${id}` }
    }),
}

function readExternal(input: Input): { issuer: string; id: string } | undefined {
  const issuer = input.text('issuer')
  const id = input.text('external-id')
  if (issuer !== undefined && id !== undefined) return { issuer, id }
  if (issuer !== undefined || id !== undefined) throw new UsageError('--issuer and --external-id go together')
  return undefined
}

export const list: Command = {
  name: 'client list',
  summary: 'List clients',
  run: (input) =>
    withDirectory(input.config, async (dir) => {
      const clients = await listClients(dir)
      const json = clients.map(({ id, name, permission, organization, createdAt }) => ({
        client_id: id,
        name,
        permission,
        organization: organization.id,
        createdAt,
      }))
      return {
        json,
        text: table(
          ['CLIENT', 'PERMISSION', 'ORGANIZATION', 'NAME'],
          json.map((one) => [one.client_id, one.permission, one.organization, one.name]),
        ),
      }
    }),
}

export const remove: Command = {
  name: 'client remove',
  summary: 'Revoke a client; it is refused within 5 s',
  positionals: ['id'],
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { id = '' } = input.words
      await deleteClient(dir, ctx, id)
      return { json: { removed: id }, text: `Removed ${id}.` }
    }),
}
