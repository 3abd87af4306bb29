import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { newAuditKeySealer } from '../directory/sealing/audit-keys.ts'
import { newSealer } from '../directory/sealing/sealer.ts'
import { loadMasterKeys } from '../master-key.ts'
import { type MigrationState, toMigrationStates } from '../store/migrations/migrate.ts'
import { openStore, openUnmigrated, toSqlitePath } from '../store/open.ts'
import { type SharedEmail, selectSharedEmails } from '../store/tables/users.ts'
import { action, type Output, type Session } from './command.ts'
import { formatTable } from './table.ts'

/** `usher migrate`: the schema of the store. */
export function defineMigrate(migrate: Command, session: Session): void {
  migrate
    .option('--status', 'List the migrations without applying them; exit with 1 if some are not applied')
    .action(
      action(session, (options: { status?: true }) =>
        options.status ? showMigrations(session) : applyMigrations(session),
      ),
    )
}

async function applyMigrations(session: Session): Promise<Output> {
  const config = await readConfig(session.env)
  const { databaseUrl, databaseAllowDataLoss: allowDataLoss } = config
  // A directory of Usher 0.1.0 gets its audit key.
  const auditKeys = newAuditKeySealer(() => newSealer(loadMasterKeys(config)))
  // Opening a store applies its migrations. An empty database of PostgreSQL gets its tables; a file is not created.
  const create = toSqlitePath(databaseUrl) === null
  await using opened = new AsyncDisposableStack()
  const store = await openStore(databaseUrl, { allowDataLoss, create, auditKeys })
  opened.defer(() => store.close())
  return describeShared(await store.read(selectSharedEmails))
}

function describeShared(shared: readonly SharedEmail[]): Output {
  const json = {
    migrated: true,
    sharedEmails: shared.map(({ organizationId: organization, ...user }) => ({ ...user, organization })),
  }
  const upToDate = 'The schema is up to date.'
  if (shared.length === 0) return { json, lines: [upToDate] }
  const rows = shared.map((one) => [one.id, one.email, one.olderId, one.organizationId])
  const lines = [
    upToDate,
    'These users have the same e-mail address as an older user of their organization. Usher finds them by their id only.',
    'If both are one person, remove one of them with usher user delete.',
    ...formatTable(['ID', 'EMAIL', 'OLDER USER', 'ORGANIZATION'], rows),
  ]
  return { json, lines }
}

async function showMigrations(session: Session): Promise<Output> {
  const { databaseUrl, databaseAllowDataLoss: allowDataLoss } = await readConfig(session.env)
  await using opened = new AsyncDisposableStack()
  const store = await openUnmigrated(databaseUrl, { allowDataLoss, create: false })
  opened.defer(() => store.close())
  return describeMigrations(toMigrationStates(await store.listMigrations()))
}

function describeMigrations(states: readonly MigrationState[]): Output {
  const rows = states.map(({ version, name, appliedAt }) => [String(version), name, appliedAt ?? 'not yet'])
  return {
    json: states,
    lines: formatTable(['VERSION', 'NAME', 'APPLIED'], rows),
    failed: states.some(({ appliedAt }) => appliedAt === null),
  }
}
