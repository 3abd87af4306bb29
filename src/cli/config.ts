import type { Command } from 'commander'
import { listSettings } from '../config.ts'
import { action, type Output, type Session } from './command.ts'
import { formatTable } from './table.ts'

/** `usher config`: the settings. */
export function defineConfig(config: Command, session: Session): void {
  config.action(action(session, () => showSettings(session)))
}

async function showSettings({ env }: Session): Promise<Output> {
  const settings = await listSettings(env)
  const rows = settings.map(({ name, value, isSecret, source }) => [
    name,
    isSecret && source === 'environment' ? '(hidden)' : value,
    source === 'absent' ? 'not set' : source,
  ])
  return { json: settings, lines: formatTable(['SETTING', 'VALUE', 'SOURCE'], rows) }
}
