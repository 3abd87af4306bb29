import { createPortal, deletePortal, listPortals } from '../directory/organizations.ts'
import { type Command, required, table, withDirectory } from './command.ts'

export const add: Command = {
  name: 'portal add',
  summary: 'Give the provider or a reseller a portal domain',
  positionals: ['domain'],
  options: {
    organization: { type: 'string', value: 'ID', required: true, help: 'The provider or reseller' },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const organizationId = required(input, 'organization')
      const { domain } = await createPortal(dir, ctx, { domain: input.words.domain ?? '', organizationId })
      return { json: { domain, organization: organizationId }, text: domain }
    }),
}

export const list: Command = {
  name: 'portal list',
  summary: 'List portals',
  run: (input) =>
    withDirectory(input.config, async (dir) => {
      const portals = await listPortals(dir)
      return {
        json: portals.map((one) => ({ domain: one.domain, organization: one.organizationId })),
        text: table(
          ['DOMAIN', 'ORGANIZATION', 'NAME'],
          portals.map((one) => [one.domain, one.organizationId, one.organizationName]),
        ),
      }
    }),
}

export const remove: Command = {
  name: 'portal remove',
  summary: 'Remove a portal; calls through it are refused within 5 s',
  positionals: ['domain'],
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { domain = '' } = input.words
      await deletePortal(dir, ctx, domain)
      return { json: { removed: domain }, text: `Removed ${domain}.` }
    }),
}
