import type { Command } from 'commander'
import {
  createPersonAccount,
  deletePersonAccount,
  updatePersonAccount,
} from '../directory/person-accounts.ts'
import {
  createPersonCredential,
  deletePersonCredential,
  listPersonCredentials,
  updatePersonCredential,
} from '../directory/person-credentials.ts'
import type { PersonAccount } from '../model/accounts.ts'
import { defineAccountView } from './account-view.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { assertOpen } from './output.ts'
import { formatTable } from './table.ts'

const USER = ['<user>', 'Id or e-mail address of the user'] as const
const KEY = ['<access-key>', 'The S3 access key id'] as const

/** What is printed after a change that the reconciler of a running server applies. */
const FOLLOWS = 'A running server applies it to the platform within a second.'

/** `usher account`: the accounts of users on the storage platform. */
export function defineAccount(account: Command, session: Session): void {
  account
    .command('add')
    .description("Give a user an account, without keys, in the tenant of the user's customer")
    .argument(...USER)
    .action(action(session, (userId: string) => add(session, userId)))
  for (const [verb, active, what] of [
    ['suspend', false, 'Suspend the account of a user: none of its keys works'],
    ['resume', true, 'End the suspension of an account; it works if the user and the customer are active'],
  ] as const)
    account
      .command(verb)
      .description(what)
      .argument(...USER)
      .action(action(session, (userId: string) => setActive(session, userId, active)))
  defineAccountView(account, session)
  account
    .command('remove')
    .description('Remove the account of a user; one that owns data comes back, unless the data is deleted')
    .argument(...USER)
    .option('--purge', 'Delete its buckets and objects too')
    .action(action(session, (userId: string, options: { purge?: true }) => remove(session, userId, options)))
}

/** `usher credential`: the keys of users. */
export function defineCredential(credential: Command, session: Session): void {
  credential
    .command('add')
    .description('Make a key for the account of a user; its secret is shown only once')
    .argument(...USER)
    .action(action(session, (userId: string) => addKey(session, userId)))
  credential
    .command('list')
    .description('List the keys of a user, oldest first, without their secrets')
    .argument(...USER)
    .action(action(session, (userId: string) => listKeys(session, userId)))
  for (const [verb, active, what] of [
    ['disable', false, 'Disable a key of a user'],
    ['enable', true, 'Enable a disabled key of a user'],
  ] as const)
    credential
      .command(verb)
      .description(what)
      .argument(...USER)
      .argument(...KEY)
      .action(
        action(session, (userId: string, accessKey: string) =>
          setKey(session, { userId, accessKey, active }),
        ),
      )
  credential
    .command('remove')
    .description('Delete a key of a user')
    .argument(...USER)
    .argument(...KEY)
    .action(action(session, (userId: string, accessKey: string) => removeKey(session, { userId, accessKey })))
}

function add(session: Session, userId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { account, created } = await createPersonAccount(dir, ctx, { userId })
    const what = created ? 'Added the account' : 'The user has the account'
    return { json: { ...toJson(account), created }, lines: [`${what} ${account.canonicalUserId}.`, FOLLOWS] }
  })
}

function toJson({
  platform,
  tenantId: tenant,
  canonicalUserId,
  state,
  reason,
  platformState,
}: PersonAccount) {
  return { platform, tenant, canonicalUserId, state, reason, platformState }
}

function setActive(session: Session, userId: string, active: boolean): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const account = await updatePersonAccount(dir, ctx, { userId, active })
    const why = account.reason === null ? '' : `: ${account.reason.replace('_', ' ')}`
    return { json: toJson(account), lines: [`The account is ${account.state}${why}.`, FOLLOWS] }
  })
}

function remove(session: Session, userId: string, { purge = false }: { purge?: boolean }): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const account = await deletePersonAccount(dir, ctx, { userId, purge })
    const lines = account ? ['Removed the account.', FOLLOWS] : ['The user has no account.']
    return { json: account && toJson(account), lines }
  })
}

async function addKey(session: Session, userId: string): Promise<Output> {
  assertOpen(session.io.stdout)
  return withDirectory(session, async ({ dir, ctx }) => {
    const { key } = await createPersonCredential(dir, ctx, { userId })
    const { accessKey, secretKey } = key
    return {
      json: { accessKey, secretKey },
      lines: [`ACCESS_KEY=${accessKey}`, `SECRET_KEY=${secretKey}`],
      note: FOLLOWS,
      secret: {
        remove: async () => {
          await withDirectory(session, (opened) =>
            deletePersonCredential(opened.dir, opened.ctx, { userId, accessKey }),
          )
        },
        advice: `the key ${accessKey} was deleted again, because its secret was not shown: make another one`,
      },
    }
  })
}

function listKeys(session: Session, userId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json = await listPersonCredentials(dir, ctx, { userId })
    const rows = json.map((one) => [one.accessKey, one.active ? 'enabled' : 'disabled', one.createdAt])
    return { json, lines: formatTable(['ACCESS KEY', 'STATUS', 'CREATED'], rows) }
  })
}

function setKey(
  session: Session,
  request: { userId: string; accessKey: string; active: boolean },
): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { key } = await updatePersonCredential(dir, ctx, request)
    return { json: key, lines: [`${request.active ? 'Enabled' : 'Disabled'} ${key.accessKey}.`, FOLLOWS] }
  })
}

function removeKey(session: Session, request: { userId: string; accessKey: string }): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await deletePersonCredential(dir, ctx, request)
    return { json: { removed: request.accessKey }, lines: [`Removed ${request.accessKey}.`, FOLLOWS] }
  })
}
