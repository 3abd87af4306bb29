import type { Command } from 'commander'
import { eraseUser } from '../directory/erasure.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'

/** `usher user erase`: deletes the personal values of a user for ever. */
export function defineErasure(user: Command, session: Session): void {
  user
    .command('erase')
    .description(
      'Erase a deleted user: their names, their e-mail address, and the values of their changes in the audit log. This cannot be undone',
    )
    .argument('<id>', 'Id of the user')
    .option('--force', 'Also erase a user who is not deleted: they are deleted first')
    .action(action(session, (id: string, options: { force?: true }) => erase(session, id, options)))
}

function erase(session: Session, id: string, { force = false }: { force?: boolean }): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const receipt = await eraseUser(dir, ctx, { user: id, force })
    const { erasedAt, entries, accounts } = receipt
    const lines = accounts.map(({ canonicalUserId, platform, state, reason }) => {
      const why = reason === null ? '' : ` (${reason})`
      return `Account ${canonicalUserId} on ${platform}: ${state}${why}`
    })
    const about = `${entries} audit entries are about the user, without personal values`
    return { json: receipt, lines: [`Erased ${receipt.id} at ${erasedAt}; ${about}.`, ...lines] }
  })
}
