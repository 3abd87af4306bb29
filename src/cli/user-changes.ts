import type { Command } from 'commander'
import type { UserRef } from '../directory/reach.ts'
import {
  deleteUser,
  getUser,
  restoreUser,
  resumeUser,
  suspendUser,
  type UserDetails,
  updateUser,
} from '../directory/user-changes.ts'
import type { PersonAccount } from '../model/accounts.ts'
import { formatCause } from '../model/causes.ts'
import type { Versioned } from '../model/versions.ts'
import { action, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { findGroupIds } from './group.ts'
import { formatMembers } from './table.ts'

const USER = ['<user>', 'Id or e-mail address of the user'] as const
const ORGANIZATION = [
  '--organization <id>',
  'Id of the organization of the user, if several users have the e-mail address',
] as const
const FORCE = ['--force', 'Also if the user is the last active Administrator of the organization'] as const

/** The commands of `usher user` about one user. */
export function defineSingleUser(user: Command, session: Session): void {
  user
    .command('show')
    .description('Show a user')
    .argument(...USER)
    .option(...ORGANIZATION)
    .action(action(session, (name: string, options: Narrow) => show(session, toRef(name, options))))
  user
    .command('change')
    .description('Change a user; what no option names stays as it is')
    .argument(...USER)
    .option(...ORGANIZATION)
    .option('--first-name <name>', "First name; '' removes it")
    .option('--last-name <name>', "Last name; '' removes it")
    .option('--email <address>', "E-mail address, unique in the organization; '' removes it")
    .option('--group <group...>', 'Names or ids of permission groups, in place of all groups of the user')
    .option('--no-group', 'Remove the user from all groups')
    .option(...FORCE)
    .action(action(session, (name: string, options: ChangeOptions) => change(session, name, options)))
  user
    .command('suspend')
    .description('Suspend a user: their accounts on the storage platform stop working')
    .argument(...USER)
    .option(...ORGANIZATION)
    .option(...FORCE)
    .action(action(session, (name: string, options: Forced) => suspend(session, name, options)))
  user
    .command('resume')
    .description('End the suspension of a user: what worked before works again')
    .argument(...USER)
    .option(...ORGANIZATION)
    .action(action(session, (name: string, options: Narrow) => resume(session, name, options)))
  defineRemovals(user, session)
}

function defineRemovals(user: Command, session: Session): void {
  // `remove` is the name of the command in Usher 0.1.
  for (const [name, hidden] of [
    ['delete', false],
    ['remove', true],
  ] as const)
    user
      .command(name, { hidden })
      .description(
        'Delete a user and their accounts on the storage platform; an account that owns data is suspended instead',
      )
      .argument(...USER)
      .option(...ORGANIZATION)
      .option(...FORCE)
      .action(action(session, (user: string, options: Forced) => remove(session, user, options)))
  user
    .command('restore')
    .description('Restore a deleted user with their content and groups, but without accounts')
    .argument('<user>', 'Id or e-mail address of the deleted user')
    .option(...ORGANIZATION)
    .action(action(session, (name: string, options: Narrow) => restore(session, name, options)))
}

interface Narrow {
  readonly organization?: string
}

interface Forced extends Narrow {
  readonly force?: true
}

function toRef(user: string, { organization }: Narrow): UserRef {
  return { user, organization: organization === undefined ? undefined : { id: organization } }
}

function show(session: Session, ref: UserRef): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const details = await getUser(dir, ctx, ref)
    const json = toJson(details)
    const rows: (readonly [string, string | null])[] = [
      ['Id', json.id],
      ['First name', json.firstName],
      ['Last name', json.lastName],
      ['E-mail', json.email],
      ['Groups', json.groups.join(', ') || null],
      ['Status', details.user.deletedAt !== null ? 'deleted' : json.active ? 'active' : 'suspended'],
      ['Organization', `${json.organization.id} (${json.organization.kind} ${json.organization.name})`],
      ['Reseller', json.reseller],
      ['Created', json.createdAt],
      ['Changed', json.updatedAt],
    ]
    for (const account of details.accounts) rows.push(['Account', describeAccount(account)])
    return { json, lines: formatMembers(rows.map(([name, value]) => [name, value ?? '-'])) }
  })
}

/** Describes what a user has on a platform, with what the operator should know. */
function describeAccount(account: PersonAccount): string {
  const { platform, tenantId, state, reason, platformState, cause, error, credentials } = account
  const why = reason === null ? '' : ` (${reason.replace('_', ' ')})`
  const keys = credentials === 1 ? '1 key' : `${credentials} keys`
  const failure = cause === null ? '' : ` (${formatCause(cause)}): ${error}`
  const applied = platformState === 'applied' ? '' : `; the platform does not know yet${failure}`
  return `${state}${why} on ${platform} in ${tenantId}, ${keys}${applied}`
}

function toJson({ user, organization, groups, resellerId, accounts }: UserDetails) {
  const { id, firstName, lastName, email, active, version, createdAt, updatedAt, deletedAt } = user
  return {
    id,
    firstName,
    lastName,
    email,
    groups: groups.map(({ name }) => name),
    active,
    organization: { id: organization.id, kind: organization.kind, name: organization.name },
    reseller: resellerId,
    accounts: accounts.map(toAccountJson),
    version,
    createdAt,
    updatedAt,
    deletedAt,
  }
}

interface ChangeOptions extends Forced {
  readonly firstName?: string
  readonly lastName?: string
  readonly email?: string
  /** False for `--no-group`. */
  readonly group?: readonly string[] | false
}

function change(session: Session, name: string, options: ChangeOptions): Promise<Output> {
  const { firstName, lastName, email, group, force } = options
  if ([firstName, lastName, email, group].every((one) => one === undefined))
    throw new UsageError('nothing is to be changed; give at least one of the options')
  return withDirectory(session, async ({ dir, ctx }) => {
    const groupIds = group === undefined ? undefined : await findGroupIds(dir, ctx, group || [])
    const changes = {
      firstName: toValue(firstName),
      lastName: toValue(lastName),
      email: toValue(email),
      groupIds,
    }
    return describe('Changed', await updateUser(dir, ctx, { ...toRef(name, options), changes, force }))
  })
}

/** An empty text removes the value. */
function toValue(text: string | undefined): string | null | undefined {
  return text === '' ? null : text
}

function suspend(session: Session, name: string, options: Forced): Promise<Output> {
  const request = { ...toRef(name, options), force: options.force }
  return withDirectory(session, async ({ dir, ctx }) =>
    describe('Suspended', await suspendUser(dir, ctx, request)),
  )
}

function resume(session: Session, name: string, options: Narrow): Promise<Output> {
  const ref = toRef(name, options)
  return withDirectory(session, async ({ dir, ctx }) => describe('Resumed', await resumeUser(dir, ctx, ref)))
}

function restore(session: Session, name: string, options: Narrow): Promise<Output> {
  const ref = toRef(name, options)
  return withDirectory(session, async ({ dir, ctx }) =>
    describe('Restored', await restoreUser(dir, ctx, ref)),
  )
}

function describe(done: string, { id, version }: Versioned): Output {
  return { json: { id, version }, lines: [`${done} ${id}.`] }
}

function remove(session: Session, name: string, options: Forced): Promise<Output> {
  const request = { ...toRef(name, options), force: options.force }
  return withDirectory(session, async ({ dir, ctx }) => {
    const { id } = await deleteUser(dir, ctx, request)
    return { json: { removed: id }, lines: [`Deleted ${id}.`] }
  })
}

function toAccountJson(account: PersonAccount) {
  const { platform, tenantId: tenant, canonicalUserId, state, reason, platformState } = account
  const { error, cause, credentials, changedAt } = account
  const failure = { cause: cause && formatCause(cause), error }
  return {
    platform,
    tenant,
    canonicalUserId,
    state,
    reason,
    platformState,
    ...failure,
    credentials,
    changedAt,
  }
}
