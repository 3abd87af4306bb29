import { countAppliedAccounts, listFailures, readBacklog, retryAll, retryUser } from '../directory/backlog.ts'
import { FAILURE_STATES } from '../model/backlog.ts'
import { getPlatform } from '../platform/platform.ts'
import { type CheckReport, checkPlatform, type Finding } from '../provisioning/check.ts'
import { newFixer } from '../provisioning/fix.ts'
import { type Command, choice, count, type Output, table, UsageError, withDirectory } from './command.ts'

export const status: Command = {
  name: 'platform status',
  summary: 'Show the platform, what has not been applied to it, and why',
  options: {
    state: { type: 'string', value: 'STATE', help: 'List only accounts that are failing, or parked' },
    limit: { type: 'string', value: 'N', help: 'List at most so many; 100 when left out' },
    after: { type: 'string', value: 'NUMBER', help: 'List what follows this number: the next page' },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, _ctx, platforms) => {
      const platform = getPlatform(platforms, dir.platform)
      const limit = count(input, 'limit', 100, 1_000_000)
      const after = count(input, 'after', 0, Number.MAX_SAFE_INTEGER)
      const state = choice(input, 'state', FAILURE_STATES)
      const { version, health, reason = null } = await platform.status()
      const { waiting, failing, parked, oldestSeconds } = await readBacklog(dir)
      const applied = await countAppliedAccounts(dir)
      const accounts = await listFailures(dir, { after, limit, state })
      const lines = [
        `${platform.name} ${version}: ${health}${reason === null ? '' : `, ${reason}`}`,
        `${applied} applied, ${waiting} waiting, ${failing} failing, ${parked} parked`,
      ]
      if (waiting + failing + parked > 0)
        lines.push(`The oldest has been waiting for ${Math.round(oldestSeconds)} s.`)
      const listed = table(
        ['NUMBER', 'USER', 'TENANT', 'STATE', 'ATTEMPTS', 'NEXT', 'ERROR'],
        accounts.map((one) => [
          ...[String(one.number), one.userId, one.tenantId, one.state],
          ...[String(one.attempts), one.dueAt, one.error],
        ]),
      )
      return {
        json: {
          platform: { name: platform.name, version, health, reason },
          ...{ applied, waiting, failing, parked, oldestSeconds, accounts },
        },
        text: [...lines, ...(accounts.length > 0 ? ['', listed] : [])].join('\n'),
      }
    }),
}

export const retry: Command = {
  name: 'platform retry',
  summary: 'Have accounts that are failing or parked tried now',
  options: {
    user: { type: 'string', value: 'ID', help: 'Those of this user' },
    all: { type: 'boolean', help: 'All of them' },
  },
  run: (input) => {
    const user = input.text('user')
    if (input.flag('all') === (user !== undefined))
      throw new UsageError('platform retry needs either --user or --all')
    return withDirectory(input.config, async (dir, ctx) => {
      const retried = user === undefined ? await retryAll(dir, ctx) : await retryUser(dir, ctx, user)
      const text = `${retried} accounts are due now; an Usher that serves tries them within seconds.`
      return { json: { retried }, text }
    })
  },
}

export const check: Command = {
  name: 'platform check',
  summary: 'Read accounts back from the platform, and report where it differs from the directory',
  options: {
    fix: { type: 'boolean', help: 'Bring the platform back to what the directory wants' },
    tenant: { type: 'string', value: 'ID', help: 'Only the accounts of this tenant' },
  },
  run: (input) =>
    withDirectory(input.config, async (dir, ctx, platforms) => {
      const platform = getPlatform(platforms, dir.platform)
      if (!platform.readsBack) return describe(platform.name, false, NOTHING)
      const deps = { dir, platforms }
      const fixer = input.flag('fix') ? newFixer(deps, ctx) : undefined
      try {
        const request = { platform: platform.name, tenantId: input.text('tenant'), fixer }
        return describe(platform.name, true, await checkPlatform(deps, ctx, request))
      } finally {
        await fixer?.stop()
      }
    }),
}

const NOTHING: CheckReport = { checked: 0, unapplied: 0, findings: [] }

function describe(platform: string, comparable: boolean, report: CheckReport): Output {
  const { checked, unapplied, findings } = report
  const left = findings.filter((one) => !one.fixed).length
  const foreign = findings.filter(({ drift }) => drift.some(({ kind }) => kind === 'foreign')).length
  const summary = comparable
    ? `${checked} accounts compared with ${platform}: ${findings.length - foreign} differ or cannot be read; ` +
      `${foreign} are not in the directory; ${left} of all these are left.`
    : `The platform ${platform} keeps no accounts beside the directory: there is nothing to compare.`
  const skipped = `${unapplied} accounts have yet to be applied, and were not compared; see usher platform status.`
  const rows = findings.map((one) => [one.userId, one.tenantId, drifts(one), outcome(one)])
  return {
    json: { platform, comparable, ...report },
    text: [
      ...(findings.length > 0 ? [table(['USER', 'TENANT', 'DRIFT', 'OUTCOME'], rows), ''] : []),
      ...(unapplied > 0 ? [skipped] : []),
      summary,
    ].join('\n'),
    failed: left > 0,
  }
}

function drifts({ drift }: Finding): string | null {
  const said = drift.map(({ kind, accessKey }) => (accessKey === null ? kind : `${kind} ${accessKey}`))
  return said.join(', ') || null
}

function outcome({ fixed, error }: Finding): string {
  return fixed ? 'fixed' : `left${error === null ? '' : `: ${error}`}`
}
