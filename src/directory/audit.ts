import type { AuditFaultKind } from '../model/audit-faults.ts'
import type { Context } from '../model/context.ts'
import { headBlock } from '../store/audit/blocks.ts'
import {
  type AuditFilter,
  type NumberedEntry,
  selectAuditEntries,
  selectEntriesAfter,
  selectFirstEntry,
} from '../store/audit/entries.ts'
import { AUDIT_KEY_MISSING, selectAuditKey } from '../store/audit/keys.ts'
import { type AuditHead, type AuditVerdict, StoreError } from '../store/port.ts'
import { selectProvider } from '../store/tables/organizations.ts'
import { deleteAllSessions } from '../store/tables/sessions.ts'
import { deleteAllSignInLinks } from '../store/tables/sign-in-links.ts'
import { toOperation } from './audit-logs.ts'
import type { Directory } from './directory.ts'
import { type OpenedChange, openChanges } from './sealing/person-keys.ts'
import { enforceAccess, read, runRead, runUnit, toUnavailable } from './unit.ts'

/** An entry of the audit log with its number, and with the values of its changes. */
export type OpenedEntry = Omit<NumberedEntry, 'changes'> & { readonly changes?: readonly OpenedChange[] }

/**
 * Lists audit entries, newest first.
 * @param filter.operation in any letter case
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listAudit(dir: Directory, ctx: Context, filter: AuditFilter): Promise<OpenedEntry[]> {
  const operation = filter.operation && toOperation(filter.operation)
  return runRead(dir, ctx, 'ListAudit', async ({ tx }) =>
    openChanges(dir.sealer, tx, await selectAuditEntries(tx, { ...filter, operation })),
  )
}

/** The number of entries in memory at once. */
const EXPORT_PAGE = 1_000

/**
 * Reads the audit log of the whole directory, oldest entries first, with the values of their changes.
 * @param interval.since only entries from this time on, ISO 8601; also `until`, which is excluded
 * @returns pages of entries. Each page is one snapshot: entries that are written meanwhile may follow
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function* exportAudit(
  dir: Directory,
  ctx: Context,
  interval: { readonly since?: string | undefined; readonly until?: string | undefined },
): AsyncGenerator<OpenedEntry[]> {
  for (let after = 0; ; ) {
    const page = await runRead(dir, ctx, 'ListAudit', async ({ tx }) =>
      openChanges(dir.sealer, tx, await selectEntriesAfter(tx, { ...interval, after, limit: EXPORT_PAGE })),
    )
    if (page.length > 0) yield page
    if (page.length < EXPORT_PAGE) return
    after = page.at(-1)?.number ?? after
  }
}

/**
 * Checks the whole audit log of a directory that is set up.
 * @param expected a block that the log must contain, as it was noted before
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function verifyAudit(dir: Directory, ctx: Context, expected?: AuditHead): Promise<AuditVerdict> {
  await enforceAccess(dir, ctx, { operation: 'VerifyAudit' })
  try {
    return await addMissingStart(dir, await dir.store.verifyAudit(expected))
  } catch (error) {
    throw toUnavailable(error)
  }
}

/** Adds a fault to a verdict if the log does not begin with the set-up of the directory. */
export async function addMissingStart(dir: Directory, verdict: AuditVerdict): Promise<AuditVerdict> {
  const fault = await findMissingStart(dir, verdict)
  if (!fault) return verdict
  const faults = [{ block: 0, position: null, entry: null, fault }, ...verdict.faults]
  return { ...verdict, faultCount: verdict.faultCount + 1, faults }
}

/** The log of every directory begins with the entry of its set-up, so an emptied log shows even after new entries. */
function findMissingStart(dir: Directory, { entries, blocks }: AuditVerdict): Promise<AuditFaultKind | null> {
  return dir.store.read(async (tx) => {
    const provider = await selectProvider(tx)
    if (!provider) return null
    if (entries === 0 && blocks === 0) return 'log_empty'
    const first = await selectFirstEntry(tx)
    if (!first) return null
    const isSetUp = first.operation === 'CreateOrganization' && first.target === provider.id
    return isSetUp ? null : 'start_removed'
  })
}

/**
 * Returns the newest block of the audit log; undefined if it has none.
 * @throws {DirectoryError} `store_unavailable`
 */
export function getAuditHead(dir: Directory): Promise<AuditHead | undefined> {
  return read(dir, async (tx) => {
    const head = await tx.get(headBlock, {})
    return head && { block: head.number, hash: head.hash }
  })
}

/**
 * Checks that a directory that is set up has its audit key. A new key would hide that the log was replaced.
 * @throws {StoreError} if the key is missing
 * @throws {DirectoryError} `store_unavailable`
 */
export async function assertAuditKey(dir: Directory): Promise<void> {
  const [provider, key] = await read(dir, async (tx) => [await selectProvider(tx), await selectAuditKey(tx)])
  if (provider && !key) throw new StoreError('failed', AUDIT_KEY_MISSING)
}

/**
 * Records that the directory is restored from a backup: the log goes on where the backup ends. No one is signed in after
 * it: a session or a link of the backup may have ended since.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function recordRestore(dir: Directory, ctx: Context): Promise<void> {
  return runUnit(dir, ctx, { operation: 'RestoreDirectory' }, async (unit) => {
    await deleteAllSessions(unit.tx)
    await deleteAllSignInLinks(unit.tx)
    await unit.audit({ outcome: 'restored' })
  })
}
