import { adoptCustomer, queryTenants } from '../directory/tenants.ts'
import { type Command, count, required, table, withDirectory } from './command.ts'

export const create: Command = {
  name: 'tenant create',
  summary: 'Give an existing customer a tenant on the platform',
  options: {
    customer: { type: 'string', value: 'ID', required: true, help: 'The customer' },
    name: {
      type: 'string',
      value: 'NAME',
      help: "What the tenant is called; the customer's name when left out",
    },
    org: {
      type: 'string',
      value: 'ID',
      multiple: true,
      help: 'A Cloud Director org to map onto it; without one, Object Storage Extension can do so later',
    },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { id, name, orgIds } = await adoptCustomer(dir, ctx, {
        customerId: required(input, 'customer'),
        name: input.text('name'),
        orgIds: input.texts('org'),
      })
      return { json: { id, name, orgs: orgIds }, text: id }
    }),
}

export const list: Command = {
  name: 'tenant list',
  summary: 'List tenants, the oldest first, those that no org is mapped to among them',
  options: { limit: { type: 'string', value: 'N', help: 'At most so many; 1000 when left out' } },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const page = { offset: 0, limit: count(input, 'limit', 1_000, 1_000_000) }
      const { items } = await queryTenants(dir, ctx, { filter: {}, page })
      const json = items.map(({ id, name, organizationId, platform, orgIds }) => ({
        id,
        name,
        customer: organizationId,
        platform,
        orgs: orgIds,
      }))
      return {
        json,
        text: table(
          ['ID', 'CUSTOMER', 'PLATFORM', 'NAME', 'ORGS'],
          json.map((one) => [one.id, one.customer, one.platform, one.name, one.orgs.join(' ') || null]),
        ),
      }
    }),
}
