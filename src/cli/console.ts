import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { endSession, endSessionsOf, listSessions } from '../directory/sessions.ts'
import { createSignInLink } from '../directory/sign-in-links.ts'
import { CONSOLE_REFUSED, getConsoleAccess, isLoopback, toLink } from '../model/hosts.ts'
import { idleEndOf } from '../model/sessions.ts'
import { action, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { LIMIT } from './options.ts'
import { assertOpen } from './output.ts'
import { formatTable } from './table.ts'

/** `usher console`: how people enter the console. */
export function defineConsole(command: Command, session: Session): void {
  command
    .command('link')
    .description('Make a link by which a person enters the console once, within 10 minutes')
    .option('--user <user>', 'E-mail or id of the person (default: the only Administrator of the provider)')
    .action(action(session, (options: UserOptions) => link(session, options)))
  command
    .command('sessions')
    .description('List who is signed in to the console, newest first')
    .option('--user <user>', 'Only the sessions of this person, by e-mail or id')
    .option(...LIMIT, 1_000)
    .action(action(session, (options: ListOptions) => list(session, options)))
  command
    .command('end')
    .description('End a session, or all sessions of a person; they are refused within 5 seconds')
    .argument('[id]', 'Id of the session')
    .option('--user <user>', 'E-mail or id of the person whose sessions end')
    .action(action(session, (id: string | undefined, options: UserOptions) => end(session, id, options)))
}

interface UserOptions {
  readonly user?: string
}

interface ListOptions extends UserOptions {
  readonly limit: number
}

/**
 * Returns the URL of a one-time link; null if browsers would not keep the cookies of the console there. Without a
 * public URL and with port 0, the link is a path: append it to the URL that the server's log names.
 */
export function toConsoleLink({ publicUrl, host, port }: Config, token: string): string | null {
  if (publicUrl !== null) return getConsoleAccess(publicUrl) === 'refused' ? null : toLink(publicUrl, token)
  if (!isLoopback(host) && !['0.0.0.0', '::'].includes(host)) return null
  // Passkeys and some browsers know localhost, but no addresses.
  return toLink(port === 0 ? '' : `http://localhost:${port}`, token)
}

function link(session: Session, { user }: UserOptions): Promise<Output> {
  assertOpen(session.io.stdout)
  return withDirectory(session, async ({ config, dir, ctx }) => {
    const { token, expiresAt, userId } = await createSignInLink(dir, ctx, user === undefined ? {} : { user })
    const made = toConsoleLink(config, token)
    const note = made === null ? CONSOLE_REFUSED : undefined
    return {
      json: { link: made, expiresAt, user: userId },
      lines: made === null ? [] : [made, '', `It lets one person enter once, until ${expiresAt}.`],
      note,
      failed: made === null,
    }
  })
}

function list(session: Session, { user, limit }: ListOptions): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const sessions = await listSessions(dir, ctx, { user, limit })
    const json = sessions.map((one) => {
      const { id, userId, email, method, address, agent, createdAt, seenAt, expiresAt } = one
      const idleUntil = idleEndOf(one)
      return { id, user: userId, email, method, address, agent, createdAt, seenAt, idleUntil, expiresAt }
    })
    const rows = json.map((one) => [one.id, one.email, one.method, one.createdAt, one.seenAt, one.address])
    return { json, lines: formatTable(['SESSION', 'PERSON', 'BY', 'BEGAN', 'LAST USED', 'ADDRESS'], rows) }
  })
}

function end(session: Session, id: string | undefined, { user }: UserOptions): Promise<Output> {
  if ((id === undefined) === (user === undefined))
    throw new UsageError("either the argument 'id' or option '--user <user>' is needed")
  return withDirectory(session, async ({ dir, ctx }) => {
    if (id !== undefined) {
      await endSession(dir, ctx, id)
      return { json: { ended: 1 }, lines: [`Ended ${id}.`] }
    }
    const ended = await endSessionsOf(dir, ctx, { user: user ?? '' })
    return { json: { ended }, lines: [`Ended ${ended} ${ended === 1 ? 'session' : 'sessions'}.`] }
  })
}
