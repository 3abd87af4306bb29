import { type Command, InvalidArgumentError } from 'commander'
import { ACCESS } from '../directory/access.ts'
import { explainAccess } from '../directory/explain/access.ts'
import { explainRequest, type RequestExplanation } from '../directory/explain/request.ts'
import type { UserExplanation } from '../directory/explain/user.ts'
import type { Operation } from '../model/audit.ts'
import type { Explanation, NextStep, Step } from '../model/explain.ts'
import { explainAccount, explainUser } from '../provisioning/explain.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { NEXT_COMMANDS, NEXT_TEXTS, REASON_TEXTS, STEP_TEXTS, UNSEEN_TEXTS } from './explain-texts.ts'
import { formatMembers, formatTable } from './table.ts'

/** How long the command waits for the health of the platform, in milliseconds: a new process has not asked before. */
const PATIENCE_MS = 5_000

/** `usher explain`: why something works or does not, and what to do. */
export function defineExplain(explain: Command, session: Session): void {
  explain
    .command('user')
    .description('Say why the storage of a user works or does not, and what to do')
    .argument('<user>', 'Id or e-mail address of the user, who may be deleted')
    .option('--compare', 'Read the account from the platform, and compare it with the directory')
    .action(action(session, (user: string, { compare }: CompareOptions) => showUser(session, user, compare)))
  explain
    .command('account')
    .description('Say why an account works or does not, and what to do')
    .argument('<canonical-id>', 'Canonical user id of the account, as S3 shows the owner of a bucket')
    .option('--compare', 'Read the account from the platform, and compare it with the directory')
    .action(action(session, (id: string, { compare }: CompareOptions) => showAccount(session, id, compare)))
  explain
    .command('request')
    .description('Say what a request did, and what became of it')
    .argument('<correlation-id>', 'Correlation id of the request, from a response, a log line or an entry')
    .action(action(session, (id: string) => showRequest(session, id)))
  explain
    .command('access')
    .description('Say whether a caller may run an operation on a thing, and why not')
    .requiredOption('--operation <name>', 'The operation, for example CreateUser', parseOperation)
    .option('--caller <id>', 'Id of the client, or of the person who signs in (default: the command line)')
    .option('--portal <domain>', 'Domain of the portal, as X-Tenant names it')
    .option('--target <text>', 'Id, access key or e-mail address of the thing (default: the operation alone)')
    .action(action(session, (options: AccessOptions) => showAccess(session, options)))
}

interface CompareOptions {
  readonly compare?: true
}

interface AccessOptions {
  readonly operation: Operation
  readonly caller?: string
  readonly portal?: string
  readonly target?: string
}

/** @throws {InvalidArgumentError} */
function parseOperation(text: string): Operation {
  const operation = (Object.keys(ACCESS) as Operation[]).find(
    (one) => one.toLowerCase() === text.toLowerCase(),
  )
  if (operation) return operation
  throw new InvalidArgumentError('It must be the name of an operation, as the audit log shows it.')
}

function showUser(session: Session, user: string, compare = false): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platforms }) => {
    const options = { user, patienceMs: PATIENCE_MS, compare }
    return describeUser(await explainUser({ dir, platforms }, ctx, options))
  })
}

function showAccount(session: Session, canonicalId: string, compare = false): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx, platforms }) => {
    const options = { canonicalId, patienceMs: PATIENCE_MS, compare }
    return describeUser(await explainAccount({ dir, platforms }, ctx, options))
  })
}

function describeUser(explanation: UserExplanation): Output {
  const { user, account, s3Url, unseen, steps, failed } = explanation
  const isComplete = failed === null && account !== null
  const lines = [
    ...formatMembers([
      ['User', [user.name, user.email && `<${user.email}>`, user.id].filter(Boolean).join(' ')],
      ['Organization', `${user.organization.name} (${user.organization.kind} ${user.organization.id})`],
      ['Account', account && `${account.canonicalUserId} on ${account.platform}`],
      ['S3 service', s3Url],
    ]),
    '',
    ...describeSteps(explanation),
  ]
  if (isComplete) {
    const isCompared = steps.some(({ code, state }) => code === 'platform_agrees' && state !== 'unknown')
    if (!isCompared) lines.push('', `Compare with the platform: usher explain user ${user.id} --compare`)
    lines.push('', 'Usher cannot see:', ...unseen.map((code) => `  - ${UNSEEN_TEXTS[code]}`))
  }
  return toOutput(explanation, lines)
}

const SIGNS = { yes: 'yes', no: 'NO', unknown: '?', not_needed: '-' } as const

/** Describes the steps up to the first one that does not hold, the cause below them, and what to do. */
function describeSteps({ steps, failed, next }: Explanation): string[] {
  const end = steps.findIndex(({ code }) => code === failed)
  const known = end < 0 ? steps : steps.slice(0, end + 1)
  const shown = known.filter(({ state }) => state !== 'not_needed')
  const lines = shown.map(({ code, state }) => `  ${SIGNS[state].padEnd(3)}  ${STEP_TEXTS[code]}`)
  if (known.length < steps.length)
    lines.push(`  ?    ${steps.length - known.length} more: not known before this is solved`)
  const reasons = shown.flatMap(({ reason }) => (reason === null ? [] : [textOfReason(reason)]))
  const cause = steps.find(({ code }) => code === failed)
  if (reasons.length > 0) lines.push('', ...reasons)
  else if (!cause) lines.push('', 'Nothing is wrong that Usher can see.')
  if (next.length > 0) lines.push('', 'What to do:', ...next.flatMap(describeNext))
  return lines
}

function textOfReason({ code, params }: NonNullable<Step['reason']>): string {
  return (REASON_TEXTS[code] as (params: unknown) => string)(params)
}

function describeNext({ code, params }: NextStep): string[] {
  const text = (NEXT_TEXTS[code] as (params: unknown) => string)(params)
  const command = toCommand({ code, params } as NextStep)
  return [`  - ${text}`, ...(command === null ? [] : [`      ${command}`])]
}

function toCommand({ code, params }: NextStep): string | null {
  return (NEXT_COMMANDS[code] as ((params: unknown) => string) | null)?.(params) ?? null
}

/** The JSON has the texts and the commands beside the codes. */
function toOutput<E extends Explanation>(explanation: E, lines: readonly string[]): Output {
  const { steps, next, ...rest } = explanation
  const cause = steps.find(({ code }) => code === explanation.failed)?.reason
  return {
    json: {
      ...rest,
      cause: cause ? { ...cause, text: textOfReason(cause) } : null,
      steps,
      next: next.map((step) => ({ ...step, command: toCommand(step) })),
    },
    lines,
  }
}

function showRequest(session: Session, correlationId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const explanation = await explainRequest(dir, ctx, correlationId)
    const lines = [...describeSteps(explanation), ...describeEntries(explanation)]
    const entries = explanation.entries.map(({ caller, ...entry }) => ({
      ...entry,
      caller: formatCaller(caller),
    }))
    return toOutput({ ...explanation, entries }, lines)
  })
}

/** How many entries are listed for people; all are in the JSON. */
const LISTED = 20

function describeEntries({ entries, outcomes, more }: RequestExplanation): string[] {
  if (entries.length === 0) return []
  const rows = entries
    .slice(0, LISTED)
    .map((one) => [
      ...[one.at, one.operation, one.status, one.outcome],
      ...[one.user.name ?? formatCaller(one.caller), one.target, one.customerName],
    ])
  const rest = entries.length > LISTED || more ? [`${more ? 'At least ' : ''}${countAll(outcomes)}`] : []
  const headings = ['AT', 'OPERATION', 'STATUS', 'OUTCOME', 'CALLER', 'TARGET', 'CUSTOMER']
  return ['', ...formatTable(headings, rows), ...rest]
}

function countAll(outcomes: Readonly<Record<string, number>>): string {
  return Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ')
}

function showAccess(session: Session, options: AccessOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const explanation = await explainAccess(dir, ctx, options)
    const { caller, operation, target, failed } = explanation
    const who = caller.organization ? `${caller.organization.name} (${caller.organization.kind})` : null
    const lines = [
      ...formatMembers([
        ['Caller', [caller.kind, caller.id, caller.permission].filter(Boolean).join(' ')],
        ['Acts for', who],
        ['Operation', operation],
        ['Target', target && `${target.kind} ${target.id}${target.name === null ? '' : ` (${target.name})`}`],
      ]),
      '',
      ...describeSteps(explanation),
    ]
    return toOutput({ ...explanation, permitted: failed === null }, lines)
  })
}
