import type { Context } from '../model/context.ts'
import type { LogReader } from '../store/audit/log-names.ts'
import {
  type LogOrganization,
  type LogTarget,
  selectLogOrganizations,
  selectTargets,
} from '../store/audit/log-targets.ts'
import type { LogEntry } from '../store/audit/logs.ts'
import type { Tx } from '../store/port.ts'
import { type AuditLogEntry, nameEntries } from './audit-logs.ts'
import type { Directory } from './directory.ts'

/** An entry with the names that a screen shows for everything that the entry mentions. */
export interface DescribedEntry extends AuditLogEntry {
  /** What the target is; null if the reader does not reach it, or it is gone. */
  readonly about: LogTarget | null
  /** The organization that the entry is about; null if the reader may not know it. */
  readonly place: LogOrganization | null
  /** The reseller in whose context the entry is. */
  readonly context: LogOrganization | null
}

/** Returns who reads the audit log in a context: a provider, or one of its resellers. */
export function toLogReader({ organization: { kind, pk, id, providerPk } }: Context): LogReader {
  return { providerPk, reseller: kind === 'reseller' ? { pk, id } : undefined }
}

/** Adds names to entries: of callers, targets and organizations, as far as the reader reaches them. */
export async function describeEntries(
  dir: Directory,
  tx: Tx,
  { reader, entries }: { readonly reader: LogReader; readonly entries: readonly LogEntry[] },
): Promise<DescribedEntry[]> {
  const named = await nameEntries(dir, tx, { reader, entries })
  const targets = named.flatMap(({ target }) => (target === null ? [] : [target]))
  const abouts = await selectTargets(tx, targets, reader)
  const ids = named.flatMap(({ organization, reseller }) => [organization, reseller])
  const places = await selectLogOrganizations(
    tx,
    [...new Set(ids)].filter((one) => one !== null),
    reader,
  )
  return named.map((entry) => ({
    ...entry,
    about: abouts.get(entry.target ?? '') ?? null,
    place: places.get(entry.organization ?? '') ?? null,
    context: places.get(entry.reseller ?? '') ?? null,
  }))
}
