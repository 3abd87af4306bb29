import type { Command } from 'commander'
import { find } from '../directory/find.ts'
import type { Hit } from '../model/find.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { LIMIT } from './options.ts'
import { describeMore, quoteWord } from './pages.ts'
import { formatTable } from './table.ts'

/** `usher find`: one field for any id, key, e-mail address, domain or words. */
export function defineFind(command: Command, session: Session): void {
  command
    .argument(
      '<text...>',
      'An id of anything, an S3 access key, a canonical user id, an id of Cloud Director, an e-mail address, a domain, or words of names and e-mail addresses',
    )
    .option(...LIMIT, 20)
    .action(
      action(session, (words: readonly string[], { limit }: { limit: number }) =>
        search(session, words.join(' '), limit),
      ),
    )
}

function search(session: Session, text: string, limit: number): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const { hits, more } = await find(dir, ctx, { text, limit })
    const note = more ? `${describeMore(hits.length)}, or add a word` : undefined
    return { json: hits, lines: hits.length > 0 ? format(hits) : [NOTHING], note }
  })
}

const NOTHING =
  'Nothing matches. Ids and keys must be complete; of names and e-mail addresses, any part of three characters is enough.'

function format(hits: readonly Hit[]): string[] {
  const rows = hits.map(({ kind, name, email, organization, state, id }) => [
    ...[kind, name ?? email, kind === 'organization' ? null : email],
    ...[kind === 'organization' ? (organization?.kind ?? null) : (organization?.name ?? null), state, id],
  ])
  const explainable = hits.length === 1 ? nextCommand(hits[0] as Hit) : undefined
  const table = formatTable(['KIND', 'NAME', 'E-MAIL', 'ORGANIZATION', 'STATE', 'ID'], rows)
  return explainable ? [...table, '', `Why does it work or not? ${explainable}`] : table
}

/** Returns the command that says more about the only hit. */
function nextCommand({ kind, id, userId }: Hit): string | undefined {
  if (kind === 'user') return `usher explain user ${id}`
  if (kind === 'account') return `usher explain account ${quoteWord(id)}`
  if (kind === 'key') return `usher explain user ${userId}`
  return kind === 'request' ? `usher explain request ${id}` : undefined
}
