import { toCsvLine } from '../csv.ts'
import { type ExportedUser, exportUsers } from '../directory/imports/export.ts'
import { ROW_MEMBERS } from '../model/person-rows.ts'
import { type Session, withDirectory } from './command.ts'
import { complain, writeOutput } from './output.ts'

/** The options of `usher user export`. */
export interface ExportOptions {
  readonly organization?: string
  readonly json?: true
}

/** `usher user export`: prints users in the form that `usher user import` reads. */
export async function exportFile(session: Session, options: ExportOptions): Promise<undefined> {
  const { stdout, stderr } = session.io
  let left = 0
  await withDirectory(session, async ({ dir, ctx }) => {
    // Not before the first users are read: a refused export writes nothing.
    let heading = options.json ? '' : toCsvLine(ROW_MEMBERS)
    for await (const users of exportUsers(dir, ctx, options.organization)) {
      const rows = users.filter(({ email }) => email !== null)
      left += users.length - rows.length
      const lines = rows.map((user) => (options.json ? `${JSON.stringify(user)}\n` : toLine(user)))
      if (lines.length === 0) continue
      await writeOutput(stdout, `${heading}${lines.join('')}`)
      heading = ''
    }
    if (heading !== '') await writeOutput(stdout, heading)
  })
  if (left > 0)
    complain(stderr, `users without an e-mail address are left out, because no import finds them: ${left}`)
}

function toLine({ groups, ...user }: ExportedUser): string {
  const cells = { ...user, groups: groups.join('|') }
  return toCsvLine(ROW_MEMBERS.map((name) => cells[name]))
}
