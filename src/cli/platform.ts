import type { Command } from 'commander'
import { countAppliedAccounts, listFailures, readBacklog, retryAll, retryUser } from '../directory/backlog.ts'
import { findCluster, listPlatformProblems } from '../directory/platforms.ts'
import { FAILURE_STATES } from '../model/backlog.ts'
import { getPlatform } from '../platform/platform.ts'
import { type CheckReport, checkPlatform, type Finding, getTenantPlatform } from '../provisioning/check.ts'
import { adoptCluster } from '../provisioning/cluster.ts'
import { newFixer } from '../provisioning/fix.ts'
import { action, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { LIMIT, newChoice, parseNumber } from './options.ts'
import { cutPage, describeMore } from './pages.ts'
import { formatTable } from './table.ts'

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
        'List only accounts in this state: failing (tried again within minutes), or parked (failed often, tried once an hour)',
        FAILURE_STATES,
      ),
    )
    .option('--after <number>', 'Next page: list only accounts after the one with this number', parseNumber)
    .option(...LIMIT, 100)
    .action(action(session, (options: StatusOptions) => showStatus(session, options)))
  platform
    .command('retry')
    .description(
      'Let the server retry accounts that are failing or parked, without waiting (give either --user or --all)',
    )
    .option('--user <id>', 'Retry the accounts of this user')
    .option('--all', 'Retry all failing and parked accounts')
    .action(action(session, (options: RetryOptions) => retry(session, options)))
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
  readonly state?: (typeof FAILURE_STATES)[number]
  readonly after?: number
  readonly limit: number
}

function showStatus(session: Session, { state, after = 0, limit }: StatusOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platform }) => {
    const { version, health, reason = null } = await platform.status()
    const { waiting, failing, parked, oldestSeconds } = await readBacklog(dir)
    const applied = await countAppliedAccounts(dir)
    const problems = await listPlatformProblems(dir)
    const cluster = await findCluster(dir, platform.name)
    const found = await listFailures(dir, ctx, { after, limit: limit + 1, state })
    const { items: accounts, more } = cutPage(found, limit)
    const lines = [
      ...problems,
      `${platform.name} ${version}: ${health}${reason === null ? '' : `, ${reason}`}`,
      `${applied} applied, ${waiting} waiting, ${failing} failing, ${parked} parked`,
    ]
    if (waiting + failing + parked > 0)
      lines.push(`The oldest change has been waiting for ${Math.round(oldestSeconds)} s.`)
    if (accounts.length > 0) lines.push('', ...formatFailures(accounts))
    return {
      json: {
        platform: { name: platform.name, cluster, version, health, reason },
        problems,
        ...{ applied, waiting, failing, parked, oldestSeconds, accounts },
      },
      lines,
      note: more ? describeMore(limit, `--after ${accounts.at(-1)?.number}`) : undefined,
    }
  })
}

function formatFailures(accounts: readonly Awaited<ReturnType<typeof listFailures>>[number][]): string[] {
  const rows = accounts.map((one) => [
    ...[String(one.number), one.userId, one.tenantId, one.state],
    ...[String(one.attempts), one.dueAt, one.error],
  ])
  return formatTable(['NUMBER', 'USER', 'TENANT', 'STATE', 'ATTEMPTS', 'NEXT', 'ERROR'], rows)
}

interface RetryOptions {
  readonly user?: string
  readonly all?: boolean
}

async function retry(session: Session, { user, all = false }: RetryOptions): Promise<Output> {
  if (all === (user !== undefined))
    throw new UsageError("exactly one of '--user <id>' and '--all' must be given")
  return withDirectory(session, async ({ dir, ctx }) => {
    const retried = user === undefined ? await retryAll(dir, ctx) : await retryUser(dir, ctx, user)
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
