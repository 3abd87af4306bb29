import type { Command } from 'commander'
import { retryUser } from '../directory/unapplied.ts'
import { getUserAccount } from '../directory/user-account.ts'
import type { PersonAccount } from '../model/accounts.ts'
import { formatCause } from '../model/causes.ts'
import { compareUserAccount, mendUserAccount } from '../provisioning/compare-account.ts'
import { newPlatformView } from '../provisioning/platform-view.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { formatMembers, formatTable } from './table.ts'

const USER = ['<user>', 'Id of the user'] as const

/** The commands of `usher account` that look at the account of one user, and let the server try it again. */
export function defineAccountView(account: Command, session: Session): void {
  account
    .command('show')
    .description('Show the account of a user and its keys, without their secrets; also of a deleted user')
    .argument(...USER)
    .action(action(session, (userId: string) => show(session, userId)))
  account
    .command('retry')
    .description('Let the server try the account of a user again now, if it is failing or parked')
    .argument(...USER)
    .action(action(session, (userId: string) => retry(session, userId)))
  account
    .command('check')
    .description('Compare the account of a user with the platform')
    .argument(...USER)
    .option('--fix', "Bring it back to the directory's state if it differs")
    .action(action(session, (userId: string, { fix }: { fix?: true }) => check(session, userId, fix)))
  account
    .command('usage')
    .description('Show what a user stores on the platform now, and their buckets')
    .argument(...USER)
    .action(action(session, (userId: string) => showUsage(session, userId)))
}

function show(session: Session, userId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { accounts, keys } = await getUserAccount(dir, ctx, userId)
    const json = { accounts: accounts.map(toJson), keys }
    if (accounts.length === 0) return { json, lines: ['The user has no account.'] }
    const rows = keys.map((key) => [key.accessKey, key.active ? 'enabled' : 'disabled', key.createdAt])
    const lines = accounts.flatMap((one, i) => [...(i > 0 ? [''] : []), ...formatMembers(toMembers(one))])
    return { json, lines: [...lines, '', ...formatTable(['ACCESS KEY', 'STATUS', 'CREATED'], rows)] }
  })
}

function toJson({ pk: _, cause, ...account }: PersonAccount) {
  return { ...account, cause: cause && formatCause(cause) }
}

function toMembers(account: PersonAccount): [label: string, value: string | null][] {
  const { platform, tenantId, canonicalUserId, state, reason, platformState, cause, error } = account
  const failing = cause !== null
  return [
    ['Platform', platform],
    ['Tenant', tenantId],
    ['Canonical id', canonicalUserId],
    ['State', reason === null ? state : `${state}: ${reason.replace('_', ' ')}`],
    ['On the platform', platformState],
    ['Changed', account.changedAt],
    ['Cause', cause && formatCause(cause)],
    ['Error', error],
    ['Attempts', failing ? String(account.attempts) : null],
    ['Parked', account.parkedAt],
    ['Next attempt', failing ? account.dueAt : null],
  ]
}

function retry(session: Session, userId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const retried = await retryUser(dir, ctx, userId)
    const done = 'The account is due now; a running server tries it within seconds.'
    return { json: { retried }, lines: [retried > 0 ? done : 'The account of the user does not fail.'] }
  })
}

function check(session: Session, userId: string, fix = false): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platforms }) => {
    const compare = fix ? mendUserAccount : compareUserAccount
    const json = await compare({ dir, platforms }, ctx, userId)
    const { platform, state, drift, mended, error } = json
    const words = drift.map(({ kind, accessKey }) => (accessKey === null ? kind : `${kind} ${accessKey}`))
    const differs = `It differs on ${platform}: ${words.join(', ')}${mended ? '. It is mended.' : '.'}`
    const line = {
      same: `It is on ${platform} as the directory wants it.`,
      differs,
      unapplied: 'It is not applied yet, and was not compared; see usher account show.',
      incomparable: `The platform ${platform} keeps its accounts in the directory: there is nothing to compare.`,
    }[state]
    return { json, lines: error === null ? [line] : [line, error], failed: state === 'differs' && !mended }
  })
}

function showUsage(session: Session, userId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platforms, platform }) => {
    const json = await newPlatformView(dir, platforms, platform.name).readContentOfUser(ctx, userId)
    const { bucketCount, objectCount, usedBytes, quotaBytes } = json.usage
    const members = formatMembers([
      ['Buckets', String(bucketCount)],
      ['Objects', String(objectCount)],
      ['Bytes', String(usedBytes)],
      ['Quota in bytes', quotaBytes === null ? null : String(quotaBytes)],
    ])
    const rows = json.buckets.map(({ name, createdAt }) => [name, createdAt])
    return { json, lines: [...members, '', ...formatTable(['BUCKET', 'CREATED'], rows)] }
  })
}
