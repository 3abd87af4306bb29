import { after } from 'node:test'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import { onPostgres } from '../support/engine.ts'
import { listNeutralTests, type Share, takeShare } from '../support/together.ts'
import { endSharedTargets } from './target.ts'

/**
 * What the engine of the store can change: uniqueness, work at the same moment, order and filters of lists, text that
 * a database may not take, the audit log. The rest of the contract ends before the store, and runs here at full length.
 */
const FILES: readonly string[] = [
  'accounts.test.ts',
  'any-input.test.ts',
  'bulk-users.test.ts',
  'audit-logs.test.ts',
  'changed-users.test.ts',
  'console-lists.test.ts',
  'console-security.test.ts',
  'console-sign-in.test.ts',
  'customer-states.test.ts',
  'customer-users.test.ts',
  'customer-users-audit.test.ts',
  'customers.test.ts',
  'erasure.test.ts',
  'last-administrator.test.ts',
  'osis-credentials.test.ts',
  'osis-filters.test.ts',
  'osis-tenants.test.ts',
  'osis-tenants-changes.test.ts',
  'osis-users.test.ts',
  'osis-users-changes.test.ts',
  'osis-users-lists.test.ts',
  'user-lists.test.ts',
  'users-contexts.test.ts',
  'users-races.test.ts',
]

/** Runs a share of the contract's files on PostgreSQL. The shares run side by side. */
export async function contractOnPostgres(share: Share): Promise<void> {
  const files = FULL_LENGTH ? listNeutralTests(import.meta.dirname) : FILES
  after(endSharedTargets)
  await onPostgres(import.meta.dirname, takeShare(files, share))
}
