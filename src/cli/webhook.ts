import { type Command, Option } from 'commander'
import { updateWebhook } from '../directory/webhook-changes.ts'
import { rotateWebhook } from '../directory/webhook-rotation.ts'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listDeadLetters,
  listWebhooks,
  replayWebhook,
} from '../directory/webhooks.ts'
import type { Webhook } from '../model/webhooks.ts'
import { VERSION } from '../version.ts'
import { newAddressRule } from '../webhooks/addresses.ts'
import { newWebhookSender, type WebhookSender } from '../webhooks/sender.ts'
import { testWebhook } from '../webhooks/test-event.ts'
import { action, type Opened, type Output, type Session, UsageError, withDirectory } from './command.ts'
import {
  LIMIT,
  newNowOption,
  newUntilOption,
  parseNumber,
  type RotateOptions,
  toPreviousUntil,
} from './options.ts'
import { assertOpen } from './output.ts'
import { cutPage, describeMore } from './pages.ts'
import { formatMembers, formatTable } from './table.ts'

/** `usher webhook`: receivers of events. */
export function defineWebhook(webhook: Command, session: Session): void {
  const command = (name: string, description: string): Command =>
    webhook.command(name).description(description)
  command('create', 'Create a webhook of the provider; the secret is shown only once')
    .requiredOption('--url <url>', 'URL of the receiver')
    .option('--name <name>', 'Name that lists show for the webhook')
    .option('--operation <name...>', 'Send only events of these operations (default: all)')
    .action(action(session, (options: CreateOptions) => create(session, options)))
  command('list', 'List the webhooks of the provider and of its resellers').action(
    action(session, () => list(session)),
  )
  command('show', 'Show a webhook with the state of its deliveries')
    .argument('<id>', 'Id of the webhook')
    .action(action(session, (id: string) => show(session, id)))
  command('change', 'Change a webhook; what no option names stays as it is')
    .argument('<id>', 'Id of the webhook')
    .option('--url <url>', 'URL of the receiver, which also gets the events that wait')
    .option('--name <name>', "Name that lists show for the webhook; '' removes it")
    .option('--operation <name...>', 'Send only events of these operations, in place of the former ones')
    .addOption(new Option('--all-operations', 'Send events of all operations').conflicts('operation'))
    .action(action(session, (id: string, options: ChangeOptions) => change(session, id, options)))
  command('delete', 'Delete a webhook, with the events that wait for it')
    .argument('<id>', 'Id of the webhook')
    .action(action(session, (id: string) => remove(session, id)))
  command('dead-letters', 'List the events that were given up')
    .argument('<id>', 'Id of the webhook')
    .option('--after <number>', 'Next page: list only events after the one with this number', parseNumber)
    .option(...LIMIT, 100)
    .action(action(session, (id: string, options: LetterOptions) => listLetters(session, id, options)))
  command('replay', 'Send events again (give --from, --dead-letters or both)')
    .argument('<id>', 'Id of the webhook')
    .option('--from <time>', 'Send everything from this time (ISO 8601), or from the event with this id, on')
    .option('--dead-letters', 'Try the events again that were given up')
    .action(action(session, (id: string, options: ReplayOptions) => replay(session, id, options)))
  defineRotate(webhook, session)
  command('test', 'Send a test event, and show how the receiver responds')
    .argument('<id>', 'Id of the webhook')
    .action(action(session, (id: string) => test(session, id)))
}

function defineRotate(webhook: Command, session: Session): void {
  webhook
    .command('rotate')
    .description('Replace the secret of a webhook; the new one is shown only once')
    .argument('<id>', 'Id of the webhook')
    .addOption(newUntilOption('Time until which events are signed with the former secret, too'))
    .addOption(newNowOption('End the former secret within 30 seconds'))
    .action(action(session, (id: string, options: RotateOptions) => rotate(session, id, options)))
}

interface CreateOptions {
  readonly url: string
  readonly name?: string
  readonly operation?: readonly string[]
}

async function create(session: Session, { url, name, operation }: CreateOptions): Promise<Output> {
  assertOpen(session.io.stdout)
  return withDirectory(session, async ({ config, dir, ctx }) => {
    const receivers = newAddressRule(config.webhooks.networks)
    const issued = await createWebhook(dir, ctx, { url, name, operations: operation, receivers })
    const { id, secret } = issued
    const advice = `the webhook ${id} was deleted again, because its secret was not shown: create another one`
    const undo = (): Promise<void> => withDirectory(session, ({ dir, ctx }) => deleteWebhook(dir, ctx, id))
    return {
      json: issued,
      lines: [`WEBHOOK_ID=${id}`, `WEBHOOK_SECRET=${secret}`],
      secret: { remove: undo, advice },
    }
  })
}

interface ChangeOptions extends Partial<CreateOptions> {
  readonly allOperations?: true
}

async function change(session: Session, id: string, options: ChangeOptions): Promise<Output> {
  const { url, name, operation, allOperations } = options
  const changes = { url, name: name === '' ? null : name, operations: allOperations ? null : operation }
  if (Object.values(changes).every((one) => one === undefined))
    throw new UsageError('nothing is to be changed; give at least one of the options')
  return withDirectory(session, async ({ config, dir, ctx }) => {
    await updateWebhook(dir, ctx, { id, changes, receivers: newAddressRule(config.webhooks.networks) })
    return { json: { changed: id }, lines: [`Changed ${id}.`] }
  })
}

function list(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const webhooks = await listWebhooks(dir, ctx)
    const rows = webhooks.map((one) => [
      ...[one.id, one.organizationId, one.name, one.url, one.deliveredAt],
      ...[String(one.waiting), String(one.deadLetters), one.error],
    ])
    return { json: webhooks.map(toJson), lines: formatTable(HEADINGS, rows) }
  })
}

const HEADINGS = 'ID ORGANIZATION NAME URL DELIVERED WAITING DEAD ERROR'.split(' ')

function show(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const webhook = await getWebhook(dir, ctx, id)
    return { json: toJson(webhook), lines: describe(webhook) }
  })
}

function toJson({ secretAt, oldSecretUntil, ...webhook }: Webhook) {
  return { ...webhook, secretCreatedAt: secretAt, oldSecretValidUntil: oldSecretUntil }
}

function describe(webhook: Webhook): string[] {
  return formatMembers([
    ['Id', webhook.id],
    ['Organization', webhook.organizationId],
    ['Name', webhook.name],
    ['URL', webhook.url],
    ['Operations', webhook.operations?.join(', ') ?? 'all'],
    ['Created', webhook.createdAt],
    ['Secret made', webhook.secretAt],
    ['Former secret signs until', webhook.oldSecretUntil],
    ['Delivered', webhook.deliveredAt ?? 'never'],
    ['Waiting', String(webhook.waiting)],
    ['Dead letters', String(webhook.deadLetters)],
    ['Failures', String(webhook.failures)],
    ['Error', webhook.error],
  ])
}

function rotate(session: Session, id: string, options: RotateOptions): Promise<Output> {
  assertOpen(session.io.stdout)
  return withDirectory(session, async ({ dir, ctx }) => {
    const rotated = await rotateWebhook(dir, ctx, { id, previousUntil: toPreviousUntil(options) })
    const { secret, previousUntil: end } = rotated
    const kept = end === null ? 'The former secret has ended.' : `The former secret signs until ${end}, too.`
    return {
      json: { id: rotated.id, secret, oldSecretValidUntil: end },
      lines: [
        `WEBHOOK_ID=${rotated.id}`,
        `WEBHOOK_SECRET=${secret}`,
        ...(end === null ? [] : [`OLD_SECRET_VALID_UNTIL=${end}`]),
      ],
      secret: {
        remove: async () => undefined,
        advice: `the new secret of the webhook ${id} was not shown: rotate it again. ${kept}`,
      },
    }
  })
}

function remove(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await deleteWebhook(dir, ctx, id)
    return { json: { deleted: id }, lines: [`Deleted ${id}.`] }
  })
}

interface LetterOptions {
  readonly after?: number
  readonly limit: number
}

function listLetters(session: Session, id: string, { after = 0, limit }: LetterOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const found = await listDeadLetters(dir, ctx, { id, after, limit: limit + 1 })
    const { items, more } = cutPage(found, limit)
    const rows = items.map(({ number, event, attempts, failedAt, error }) => [
      ...[String(number), event.id, event.type, event.timestamp],
      ...[String(attempts), failedAt, error],
    ])
    const note = more ? describeMore(limit, `--after ${items.at(-1)?.number}`) : undefined
    return { json: items, lines: formatTable(LETTER_HEADINGS, rows), note }
  })
}

const LETTER_HEADINGS = 'NUMBER EVENT OPERATION AT ATTEMPTS FAILED ERROR'.split(' ')

interface ReplayOptions {
  readonly from?: string
  readonly deadLetters?: true
}

async function replay(session: Session, id: string, options: ReplayOptions): Promise<Output> {
  const { from, deadLetters } = options
  if (from === undefined && !deadLetters)
    throw new UsageError("'--from <time>' or '--dead-letters' must be given")
  return withDirectory(session, async ({ dir, ctx }) => {
    const revived = await replayWebhook(dir, ctx, { id, from: toTime(from), deadLetters })
    const text = `${revived} events that were given up are tried again`
    const lines = [from === undefined ? `${text}.` : `Everything from ${from} on is sent again; ${text}.`]
    return { json: { deadLetters: revived }, lines }
  })
}

/** Takes what other options take as a time, such as a date alone. */
function toTime(text: string | undefined): string | undefined {
  return text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text
}

function test(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async ({ config, dir, ctx }: Opened) => {
    const sender = newWebhookSender({ networks: config.webhooks.networks, version: VERSION })
    const attempt = await send(dir, ctx, { id, sender })
    const { delivered, error } = attempt
    const line = delivered ? 'The receiver accepted the test event.' : `The test event failed: ${error}.`
    return { json: attempt, lines: [line], failed: !delivered }
  })
}

async function send(
  dir: Opened['dir'],
  ctx: Opened['ctx'],
  { id, sender }: { id: string; sender: WebhookSender },
): ReturnType<typeof testWebhook> {
  try {
    return await testWebhook(dir, ctx, { id, sender })
  } finally {
    sender.close()
  }
}
