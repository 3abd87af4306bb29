import type { Command } from 'commander'
import { getReceipt } from '../directory/receipts.ts'
import type { AccountRemoval } from '../model/accounts.ts'
import { formatCause } from '../model/causes.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { formatMembers } from './table.ts'

/** `usher user receipt`: what proves that a user was removed. */
export function defineReceipt(user: Command, session: Session): void {
  user
    .command('receipt')
    .description(
      'Show who removed a user or their account, what became of it, and what seals this in the audit log',
    )
    .argument('<user>', 'Id of the user')
    .action(action(session, (userId: string) => show(session, userId)))
}

function show(session: Session, userId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { user, organization, entry, seal, erasedAt, accounts } = await getReceipt(dir, ctx, userId)
    const { id, at, operation, correlationId } = entry
    const caller = formatCaller(entry.caller)
    const json = {
      user: { id: user.id, deletedAt: user.deletedAt, erasedAt },
      organization: { id: organization.id, name: organization.name },
      removal: { entry: id, at, operation, caller, callerName: entry.user.name, correlationId },
      seal,
      accounts: accounts.map(({ pk: _, cause, ...one }) => ({ ...one, cause: cause && formatCause(cause) })),
    }
    const members = formatMembers([
      ['User', user.id],
      ['Organization', `${organization.name} (${organization.id})`],
      ['Removed', at],
      ['By', entry.user.name === null ? caller : `${entry.user.name} (${caller})`],
      ['Operation', operation],
      ['Request', correlationId],
      ['Erased', erasedAt],
      ['Audit entry', id],
      ['Hash', seal.hash],
      ['Block', seal.block && `${seal.block.number}:${seal.block.hash}`],
    ])
    return { json, lines: [...members, ...accounts.flatMap((one) => ['', ...formatMembers(toMembers(one))])] }
  })
}

const STATES = {
  kept: 'it exists; it was not removed, or it owns data',
  removing: 'it is being removed',
  removed: 'it is removed',
} as const

const DATA = { purged: 'deleted with it', removed: 'it owned none', removing: null, kept: null } as const

function toMembers(account: AccountRemoval): [label: string, value: string | null][] {
  const { platform, canonicalUserId, state, isPurged, toldAt, goneAt, removedKeys, keys, error } = account
  return [
    ['Account', `${canonicalUserId} on ${platform}`],
    ['State', STATES[state]],
    ['Told to go', toldAt],
    ['Gone', state === 'removed' ? goneAt : null],
    ['Data', DATA[isPurged ? 'purged' : state]],
    ['Keys', `${removedKeys} removed, ${keys} left`],
    ['Error', error],
  ]
}
