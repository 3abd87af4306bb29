import {
  createOrganization,
  deleteOrganization,
  listOrganizations,
  relateOrganization,
} from '../directory/organizations.ts'
import { type Command, choice, count, required, table, UsageError, withDirectory } from './command.ts'

export const add: Command = {
  name: 'organization add',
  summary: 'Add a reseller or a customer',
  options: {
    kind: { type: 'string', value: 'KIND', required: true, help: 'reseller or customer' },
    name: { type: 'string', value: 'NAME', required: true, help: 'Its name' },
    reseller: {
      type: 'string',
      value: 'ID',
      multiple: true,
      help: 'For a customer: a reseller that it is related to',
    },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const kind = choice(input, 'kind', ['reseller', 'customer'])
      const resellerIds = input.texts('reseller')
      if (kind === 'reseller' && resellerIds.length > 0)
        throw new UsageError('--reseller goes with --kind customer')
      const name = required(input, 'name')
      const { id } = await createOrganization(dir, ctx, { kind: kind ?? 'customer', name, resellerIds })
      return { json: { id, kind, name }, text: id }
    }),
}

export const relate: Command = {
  name: 'organization relate',
  summary: 'Let a reseller reach a customer',
  positionals: ['customer'],
  options: { reseller: { type: 'string', value: 'ID', required: true, help: 'The reseller' } },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { customer: customerId = '' } = input.words
      const resellerId = required(input, 'reseller')
      await relateOrganization(dir, ctx, { customerId, resellerId })
      return {
        json: { customer: customerId, reseller: resellerId },
        text: `Related ${customerId} to ${resellerId}.`,
      }
    }),
}

export const list: Command = {
  name: 'organization list',
  summary: 'List organizations, the oldest first',
  options: {
    kind: { type: 'string', value: 'KIND', help: 'Only provider, reseller or customer' },
    limit: { type: 'string', value: 'N', help: 'At most so many; 1000 when left out' },
  },
  run: (input) =>
    withDirectory(input.config, async (dir) => {
      const kind = choice(input, 'kind', ['provider', 'reseller', 'customer'])
      const found = await listOrganizations(dir, {
        kind,
        after: 0,
        limit: count(input, 'limit', 1_000, 1_000_000),
      })
      const json = found.map(({ id, kind, name, createdAt }) => ({ id, kind, name, createdAt }))
      return {
        json,
        text: table(
          ['ID', 'KIND', 'NAME'],
          json.map((one) => [one.id, one.kind, one.name]),
        ),
      }
    }),
}

export const remove: Command = {
  name: 'organization remove',
  summary: 'Remove an organization that nothing belongs to any more',
  positionals: ['id'],
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { id = '' } = input.words
      await deleteOrganization(dir, ctx, id)
      return { json: { removed: id }, text: `Removed ${id}.` }
    }),
}
