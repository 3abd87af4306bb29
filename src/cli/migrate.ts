import { type MigrationState, toMigrationStates } from '../store/migrations/migrate.ts'
import { openStore, openUnmigrated } from '../store/open.ts'
import { type Command, type Output, table } from './command.ts'

export const migrate: Command = {
  name: 'migrate',
  summary: "Bring the store's schema up to date (a start does it too)",
  options: {
    status: {
      type: 'boolean',
      help: 'Change nothing; list the steps, and exit with 1 when one is still to be applied',
    },
  },
  async run(input) {
    const { databaseUrl, databaseAllowDataLoss: allowDataLoss } = input.config
    if (input.flag('status')) return describe(await readStatus(databaseUrl, allowDataLoss))
    // Opening migrates; a second run has nothing left to apply.
    const store = await openStore(databaseUrl, { allowDataLoss })
    await store.close()
    return { json: { migrated: true }, text: 'The schema is up to date.' }
  },
}

async function readStatus(url: string, allowDataLoss: boolean): Promise<MigrationState[]> {
  const store = await openUnmigrated(url, { allowDataLoss, create: false })
  try {
    return toMigrationStates(await store.listMigrations())
  } finally {
    await store.close()
  }
}

function describe(states: readonly MigrationState[]): Output {
  return {
    json: states,
    text: table(
      ['VERSION', 'NAME', 'APPLIED'],
      states.map(({ version, name, appliedAt }) => [String(version), name, appliedAt ?? 'not yet']),
    ),
    failed: states.some(({ appliedAt }) => appliedAt === null),
  }
}
