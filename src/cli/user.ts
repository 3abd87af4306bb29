import type { Directory } from '../directory/directory.ts'
import { listGroups } from '../directory/groups.ts'
import { createUser, deleteUser, listUsers } from '../directory/users.ts'
import type { Context } from '../model/context.ts'
import { type Command, count, required, table, UsageError, withDirectory } from './command.ts'

export const add: Command = {
  name: 'user add',
  summary: 'Add a person to an organization',
  options: {
    organization: { type: 'string', value: 'ID', required: true, help: 'The provider, reseller or customer' },
    'first-name': { type: 'string', value: 'NAME', help: 'First name' },
    'last-name': { type: 'string', value: 'NAME', help: 'Last name' },
    email: {
      type: 'string',
      value: 'ADDRESS',
      required: true,
      help: 'E-mail address, unique in the organization',
    },
    group: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: "A group, by name or id: Viewer, 'Alert Manager'",
    },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { id, created } = await createUser(dir, ctx, {
        organizationId: required(input, 'organization'),
        user: {
          firstName: input.text('first-name') ?? null,
          lastName: input.text('last-name') ?? null,
          email: required(input, 'email'),
          groupIds: await findGroupIds(dir, ctx, input.texts('group')),
        },
      })
      return { json: { id, created }, text: id }
    }),
}

async function findGroupIds(dir: Directory, ctx: Context, wanted: readonly string[]): Promise<string[]> {
  const groups = await listGroups(dir, ctx)
  return wanted.map((name) => {
    const group = groups.find((one) => one.id === name || one.name.toLowerCase() === name.toLowerCase())
    if (group) return group.id
    throw new UsageError(`there is no group '${name}'; there are ${groups.map((one) => one.name).join(', ')}`)
  })
}

export const list: Command = {
  name: 'user list',
  summary: 'List the people of an organization, by e-mail',
  options: {
    organization: { type: 'string', value: 'ID', required: true, help: 'The provider, reseller or customer' },
    after: { type: 'string', value: 'ADDRESS', help: 'Only e-mail addresses after this one: the next page' },
    limit: { type: 'string', value: 'N', help: 'At most so many; 1000 when left out' },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const users = await listUsers(dir, ctx, {
        organizationId: required(input, 'organization'),
        after: input.text('after'),
        limit: count(input, 'limit', 1_000, 1_000_000),
      })
      const json = users.map(({ id, firstName, lastName, email, groups, createdAt }) => ({
        id,
        firstName,
        lastName,
        email,
        groups: groups.map((group) => group.name),
        createdAt,
      }))
      return {
        json,
        text: table(
          ['ID', 'EMAIL', 'FIRST NAME', 'LAST NAME', 'GROUPS'],
          json.map((one) => [one.id, one.email, one.firstName, one.lastName, one.groups.join(', ')]),
        ),
      }
    }),
}

export const remove: Command = {
  name: 'user remove',
  summary: 'Remove a person, and their accounts on the platforms',
  positionals: ['id'],
  run: (input) =>
    withDirectory(input.config, async (dir, ctx) => {
      const { id = '' } = input.words
      await deleteUser(dir, ctx, id)
      return { json: { removed: id }, text: `Removed ${id}.` }
    }),
}
