import { type Command, InvalidArgumentError } from 'commander'
import { countAppliedAccounts, readBacklog } from '../directory/backlog.ts'
import { findCluster, listPlatformProblems } from '../directory/platforms.ts'
import { countUnapplied, listUnapplied, retryAccounts, retryUser } from '../directory/unapplied.ts'
import {
  type CauseCount,
  UNAPPLIED_STATES,
  type UnappliedAccount,
  type UnappliedState,
} from '../model/backlog.ts'
import { CAUSE_CODES, formatCause } from '../model/causes.ts'
import { getPlatform } from '../platform/platform.ts'
import { type CheckReport, checkPlatform, type Finding, getTenantPlatform } from '../provisioning/check.ts'
import { adoptCluster } from '../provisioning/cluster.ts'
import { newFixer } from '../provisioning/fix.ts'
import { action, type Opened, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { LIMIT, newChoice } from './options.ts'
import { describeMore } from './pages.ts'
import { formatTable } from './table.ts'

const CAUSE = [
  '--cause <cause>',
  'Only accounts that fail for this cause, for example unreachable, refused or refused:403:AccessDenied',
  parseCauseOption,
] as const

/** @throws {InvalidArgumentError} */
function parseCauseOption(text: string): string {
  const [code = ''] = text.split(':')
  if (CAUSE_CODES.some((one) => one === code)) return text
  throw new InvalidArgumentError(`It must begin with one of ${CAUSE_CODES.join(', ')}.`)
}

/** `usher platform`: the accounts on the storage platform. */
export function definePlatform(platform: Command, session: Session): void {
  platform
    .command('status')
    .description(
      'Show the state of the platform, and the accounts that could not be brought up to date on it',
    )
    .addOption(
      newChoice(
        '--state <state>',
        'List only accounts in this state: waiting (not tried yet), failing (tried again within minutes), or parked (failed often, tried once an hour) (default: failing and parked)',
        UNAPPLIED_STATES,
      ),
    )
    .option(...CAUSE)
    .option('--tenant <id>', 'List only accounts of this tenant')
    .option('--after <cursor>', 'Next page: the cursor that the page before has printed')
    .option(...LIMIT, 100)
    .action(action(session, (options: StatusOptions) => showStatus(session, options)))
  platform
    .command('retry')
    .description(
      'Let the server retry accounts that are failing or parked, without waiting (give --user, --cause, --tenant or --all)',
    )
    .option('--user <id>', 'Retry the accounts of this user')
    .option(...CAUSE)
    .option('--tenant <id>', 'Retry only accounts of this tenant')
    .option('--all', 'Retry all failing and parked accounts')
    .action(action(session, (options: RetryOptions) => retry(session, options)))
  defineChecks(platform, session)
}

function defineChecks(platform: Command, session: Session): void {
  platform
    .command('check')
    .description('Compare the accounts on the platform with the directory')
    .option(
      '--fix',
      "Bring differing accounts back to the directory's state, and suspend accounts that the directory does not know",
    )
    .option('--tenant <id>', 'Compare only the accounts of this tenant')
    .action(action(session, (options: CheckOptions) => check(session, options)))
  platform
    .command('adopt-cluster')
    .description(
      'Take the cluster that the settings lead to as the one of the directory, after the old one was lost and rebuilt',
    )
    .action(action(session, () => adopt(session)))
}

interface StatusOptions {
  readonly state?: UnappliedState
  readonly cause?: string
  readonly tenant?: string
  readonly after?: string
  readonly limit: number
}

function showStatus(session: Session, options: StatusOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platform }) => {
    const { version, health, reason = null } = await platform.status()
    const { waiting, failing, parked, oldestSeconds } = await readBacklog(dir)
    const applied = await countAppliedAccounts(dir)
    const problems = await listPlatformProblems(dir)
    const cluster = await findCluster(dir, platform.name)
    const { causes } = await countUnapplied(dir, ctx)
    const { accounts, next } = await readUnapplied({ dir, ctx }, options)
    const lines = [
      ...problems,
      `${platform.name} ${version}: ${health}${reason === null ? '' : `, ${reason}`}`,
      `${applied} applied, ${waiting} waiting, ${failing} failing, ${parked} parked`,
    ]
    if (waiting + failing + parked > 0)
      lines.push(`The oldest change has been waiting for ${Math.round(oldestSeconds)} s.`)
    if (causes.length > 0) lines.push('', ...formatCauses(causes))
    if (accounts.length > 0) lines.push('', ...formatAccounts(accounts))
    return {
      json: {
        platform: { name: platform.name, cluster, version, health, reason },
        problems,
        ...{ applied, waiting, failing, parked, oldestSeconds },
        causes: causes.map((one) => ({ ...one, cause: formatCause(one.cause) })),
        accounts: accounts.map(toJson),
      },
      lines,
      note: next === null ? undefined : describeMore(accounts.length, `--after ${next}`),
    }
  })
}

/** Reads pages until there are as many accounts as were asked for. */
async function readUnapplied(
  { dir, ctx }: Pick<Opened, 'dir' | 'ctx'>,
  { state, cause, tenant: tenantId, after, limit }: StatusOptions,
): Promise<{ accounts: UnappliedAccount[]; next: string | null }> {
  const accounts: UnappliedAccount[] = []
  const states = state === undefined ? FAILED : [state]
  let next = after ?? null
  do {
    const page = { cause, tenantId, after: next ?? undefined, limit: limit - accounts.length }
    const found = await listUnapplied(dir, ctx, { ...page, state: state ?? undefined })
    accounts.push(...found.items.filter((one) => states.includes(one.state)))
    // The accounts that wait come last.
    const isPast = found.items.some((one) => !states.includes(one.state))
    next = isPast ? null : found.next
  } while (next !== null && accounts.length < limit)
  return { accounts, next }
}

const FAILED: readonly UnappliedState[] = ['failing', 'parked']

function toJson({ user, organization, tenant, cause, ...account }: UnappliedAccount) {
  const names = { userId: user.id, user, organization, tenantId: tenant.id, tenant }
  return { ...names, ...account, cause: cause && formatCause(cause) }
}

function formatCauses(causes: readonly CauseCount[]): string[] {
  const rows = causes.map(({ cause, count, more, parked, oldest, error }) => [
    ...[formatCause(cause), `${count}${more ? '+' : ''}`, String(parked), oldest, error],
  ])
  return formatTable(['CAUSE', 'ACCOUNTS', 'PARKED', 'SINCE', 'ERROR OF ONE'], rows)
}

function formatAccounts(accounts: readonly UnappliedAccount[]): string[] {
  const rows = accounts.map(({ user, organization, tenant, state, cause, attempts, dueAt, error }) => [
    ...[user.id, user.email, organization.name, tenant.id, state, cause && formatCause(cause)],
    ...[String(attempts), dueAt, error],
  ])
  const headings = ['USER', 'EMAIL', 'ORGANIZATION', 'TENANT', 'STATE', 'CAUSE', 'ATTEMPTS', 'NEXT', 'ERROR']
  return formatTable(headings, rows)
}

interface RetryOptions {
  readonly user?: string
  readonly cause?: string
  readonly tenant?: string
  readonly all?: boolean
}

async function retry(session: Session, options: RetryOptions): Promise<Output> {
  const { user, cause, tenant: tenantId, all = false } = options
  const some = cause !== undefined || tenantId !== undefined
  if ([all, user !== undefined, some].filter(Boolean).length !== 1)
    throw new UsageError(
      "exactly one of '--user <id>', '--all', and '--cause <cause>' or '--tenant <id>' must be given",
    )
  return withDirectory(session, async ({ dir, ctx }) => {
    const retried =
      user === undefined
        ? await retryAccounts(dir, ctx, { cause, tenantId })
        : await retryUser(dir, ctx, user)
    const text = `${retried} accounts are due now; a running server tries them within seconds.`
    return { json: { retried }, lines: [text] }
  })
}

interface CheckOptions {
  readonly fix?: true
  readonly tenant?: string
}

function check(session: Session, { fix, tenant: tenantId }: CheckOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platforms, platform: main }) => {
    // Not every tenant need be on the main platform.
    const platform =
      tenantId === undefined ? main : getPlatform(platforms, await getTenantPlatform(dir, ctx, tenantId))
    if (!platform.readsBack) {
      const text = `The platform ${platform.name} keeps its accounts in the directory: there is nothing to compare.`
      return { json: { platform: platform.name, comparable: false, ...NOTHING }, lines: [text] }
    }
    const deps = { dir, platforms }
    const fixer = fix ? newFixer(deps, ctx) : undefined
    try {
      const request = { platform: platform.name, tenantId, fixer }
      return describeCheck(platform.name, await checkPlatform(deps, ctx, request))
    } finally {
      await fixer?.stop()
    }
  })
}

function adopt(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platform }) => {
    const cluster = await adoptCluster(dir, ctx, platform)
    const text =
      `The directory's accounts on ${platform.name} are now those of the cluster ${cluster}. Run ` +
      'usher platform check --fix to create accounts that the cluster does not have.'
    return { json: { platform: platform.name, cluster }, lines: [text] }
  })
}

const NOTHING: CheckReport = { checked: 0, unapplied: 0, findings: [] }

function describeCheck(platform: string, report: CheckReport): Output {
  const { checked, unapplied, findings } = report
  const open = findings.filter((one) => !one.fixed).length
  const foreign = findings.filter(({ drift }) => drift.some(({ kind }) => kind === 'foreign')).length
  const rows = findings.map((one) => [one.userId, one.tenantId, formatDrift(one), formatOutcome(one)])
  const lines = findings.length > 0 ? [...formatTable(['USER', 'TENANT', 'DRIFT', 'OUTCOME'], rows), ''] : []
  if (unapplied > 0)
    lines.push(`${unapplied} accounts are not applied yet and were not compared; see usher platform status.`)
  lines.push(
    `${checked} accounts compared with ${platform}: ${findings.length - foreign} differ or cannot be read, ` +
      `${foreign} are not in the directory, ${open} of all these are not fixed.`,
  )
  return { json: { platform, comparable: true, ...report }, lines, failed: open > 0 }
}

function formatDrift({ drift }: Finding): string | null {
  const words = drift.map(({ kind, accessKey }) => (accessKey === null ? kind : `${kind} ${accessKey}`))
  return words.join(', ') || null
}

function formatOutcome({ fixed, error }: Finding): string {
  if (fixed) return 'fixed'
  return error === null ? 'not fixed' : `not fixed: ${error}`
}
