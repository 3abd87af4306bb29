import type { Command } from 'commander'
import { listTimeline, type TimelineItem } from '../directory/timeline.ts'
import { formatCause } from '../model/causes.ts'
import { MAX_TIMELINE, TIMELINE_KINDS, type TimelineKind, USUAL_KINDS } from '../model/timelines.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { LIMIT } from './options.ts'
import { describeMore } from './pages.ts'
import { formatTable } from './table.ts'

/** `usher user timeline`: what happened to a user. */
export function defineTimeline(user: Command, session: Session): void {
  const command = user
    .command('timeline')
    .description(
      'List what happened to a user, their account and their keys, newest first; also of a deleted user',
    )
    .argument('<user>', 'Id of the user')
  command
    .addOption(
      command
        .createOption('--show <kind...>', 'What is listed')
        .choices(TIMELINE_KINDS)
        .default([...USUAL_KINDS]),
    )
    .option('--after <cursor>', 'Next page: the cursor that the page before has printed')
    .option(...LIMIT, 100)
    .action(action(session, (userId: string, options: Options) => list(session, userId, options)))
}

interface Options {
  readonly show: readonly TimelineKind[]
  readonly after?: string
  readonly limit: number
}

function list(session: Session, userId: string, { show, after, limit }: Options): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const items: TimelineItem[] = []
    let next = after ?? null
    do {
      const page = {
        userId,
        kinds: show,
        after: next ?? undefined,
        limit: Math.min(MAX_TIMELINE, limit - items.length),
      }
      const found = await listTimeline(dir, ctx, page)
      items.push(...found.items)
      next = found.next
    } while (next !== null && items.length < limit)
    const note = next === null ? undefined : describeMore(items.length, `--after ${next}`)
    return { json: items.map(toJson), lines: formatTable(HEADINGS, items.map(toRow)), note }
  })
}

function toJson(item: TimelineItem) {
  if (item.kind === 'attempts') return { kind: item.kind, at: item.at, ...item.attempts }
  return { kind: item.kind, ...item.entry, caller: formatCaller(item.entry.caller) }
}

const HEADINGS = ['AT', 'WHAT', 'RESULT', 'BY', 'ABOUT', 'REQUEST']

function toRow(item: TimelineItem): (string | null)[] {
  if (item.kind === 'entry') {
    const { at, operation, status, outcome, caller, user, target, correlationId, changes } = item.entry
    const names = changes.map(({ name }) => name).join(', ')
    const result = status === 'Succeeded' ? outcome : `${outcome} (${status})`
    return [
      ...[at, names ? `${operation}: ${names}` : operation, result],
      ...[user.name ?? formatCaller(caller), target, correlationId],
    ]
  }
  const { platform, outcome, cause, error, count, firstAt, node, correlationId } = item.attempts
  const times = count === 1 ? '' : `, ${count} times since ${firstAt}`
  const why = cause && ` (${formatCause(cause)}${error === null ? '' : `: ${error}`})`
  return [item.at, `applied to ${platform}`, `${outcome}${why ?? ''}${times}`, node, null, correlationId]
}
