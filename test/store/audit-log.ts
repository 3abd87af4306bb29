import assert from 'node:assert/strict'
import { selectAuditEntries } from '../../src/store/audit/entries.ts'
import type { AuditFault, AuditVerdict, Store } from '../../src/store/port.ts'
import { newEntry, putEntries } from '../support/rows.ts'
import type { OpenTampered, Tampered } from '../support/stores.ts'

/** A log of five blocks. The third block has the entries c0 to c3. */
export interface Log extends Tampered {
  verify(): Promise<AuditVerdict>
  faults(): Promise<readonly AuditFault[]>
}

const SIZES = { a: 1, b: 2, c: 4, d: 1, e: 3 }
/** The ids of the entries, in order. */
export const ENTRIES = Object.entries(SIZES).flatMap(([name, size]) =>
  Array.from({ length: size }, (_, i) => `${name}${i}`),
)

/** Opens a store with the log in it. */
export async function openLog(open: OpenTampered): Promise<Log> {
  const tampered = await open()
  const { store } = tampered
  for (const [name, size] of Object.entries(SIZES)) {
    const entries = Array.from({ length: size }, (_, i) =>
      newEntry({ id: `${name}${i}`, target: `t-${name}${i}` }),
    )
    await putEntries(store, ...entries)
    await store.sealAudit()
  }
  const verify = async (): Promise<AuditVerdict> => {
    const verdict = await store.verifyAudit()
    assert.deepEqual(await verifyInParts(store), verdict)
    return verdict
  }
  return { ...tampered, verify, faults: async () => (await verify()).faults }
}

/** Verifies a log in parts of a few entries, each of which gets what the one before has left as JSON. */
async function verifyInParts(store: Store): Promise<AuditVerdict> {
  let check = await store.checkAudit(null, 3)
  while (!check.verdict) check = await store.checkAudit(JSON.parse(JSON.stringify(check)), 3)
  return check.verdict
}

/** Returns the key of an entry; 0 if there is none with the id. */
export async function pkOf(log: Log, id: string): Promise<number> {
  const entries = await log.store.read((tx) => selectAuditEntries(tx, { limit: 1_000 }))
  return entries.find((entry) => entry.id === id)?.number ?? 0
}

/** Returns whether a fault names the entry, by its id or by its position. */
export function names(
  faults: readonly AuditFault[],
  where: { block: number; position: number; entry: string },
): boolean {
  return faults.some(
    (fault) =>
      fault.entry === where.entry || (fault.block === where.block && fault.position === where.position),
  )
}

/** The columns that are part of an entry's hash, and the hash. */
export const FIELDS = [
  'id',
  'at',
  'operation',
  'status',
  'outcome',
  'caller',
  'portal',
  'organization',
  'target',
  'correlation_id',
  'changed_fields',
  'changes',
  'address',
  'reseller',
  'hash',
]
