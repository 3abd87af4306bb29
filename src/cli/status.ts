import type { Command } from 'commander'
import { getSetup } from '../directory/setup.ts'
import { action, type Output, type Session, withDirectory } from './command.ts'
import { listVariables, toIdsJson } from './init.ts'

/** `usher status`: the ids that `usher init` printed. */
export function defineStatus(status: Command, session: Session): void {
  status.action(action(session, () => showStatus(session)))
}

function showStatus(session: Session): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const setup = await getSetup(dir, ctx)
    const lines = listVariables(setup).map(([name, value]) => `${name}=${value}`)
    return { json: toIdsJson(setup), lines: [`PROVIDER=${setup.provider.id}`, ...lines] }
  })
}
