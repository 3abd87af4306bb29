import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { newId } from '../src/model/ids.ts'
import { openDirectory } from '../src/open-directory.ts'
import { insertAuditEntry } from '../src/store/audit/entry-rows.ts'
import { followAuditLog } from '../src/store/audit/index-rows.ts'
import type { Tx } from '../src/store/port.ts'
import { insertOrganization, selectOrganizations, selectProvider } from '../src/store/tables/organizations.ts'

/**
 * Fills the audit log of a directory that has been set up, and its index: the entries of a month, about its customers
 * and resellers, or about new ones if it has fewer customers: `USHER_DATA_DIR=<path> node bench/load-audit.ts --entries 1000000 --customers 10000`.
 */
const UNIT = 1_000
const MONTH_MS = 30 * 24 * 60 * 60 * 1000
const RESELLERS = 100

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    customers: { type: 'string', default: '10000' },
  },
})
const [entries, customers] = [Number(values.entries), Number(values.customers)]
const { dir, close } = await openDirectory(await readConfig(process.env), { create: false })
const { store } = dir
const begun = Date.now() - MONTH_MS
const organizations = await store.write(async (tx) => {
  const found = { customers: await listIds(tx, 'customer'), resellers: await listIds(tx, 'reseller') }
  return found.customers.length >= customers ? found : addOrganizations(tx)
})
for (let first = 0; first < entries; first += UNIT)
  await store.write(async (tx) => {
    for (let i = first; i < Math.min(first + UNIT, entries); i++) await addEntry(tx, i)
  })
await store.sealAudit()
while ((await store.write((tx) => followAuditLog(tx, UNIT))) > 0);
await close()

async function listIds(tx: Tx, kind: 'customer' | 'reseller'): Promise<string[]> {
  const found = await selectOrganizations(tx, { kind, after: 0, limit: customers + RESELLERS })
  return found.map(({ id }) => id)
}

async function addOrganizations(tx: Tx): Promise<{ customers: string[]; resellers: string[] }> {
  const provider = await selectProvider(tx)
  if (!provider) throw new Error('set the directory up first')
  const add = async (kind: 'customer' | 'reseller', i: number): Promise<string> => {
    const row = { id: newId(), kind, name: `Loaded ${kind} ${i}`, providerPk: provider.pk }
    return (await insertOrganization(tx, { ...row, now: new Date(begun).toISOString() })).id
  }
  const found: { customers: string[]; resellers: string[] } = { customers: [], resellers: [] }
  for (let i = 0; i < RESELLERS; i++) found.resellers.push(await add('reseller', i))
  for (let i = 0; i < customers; i++) found.customers.push(await add('customer', i))
  return found
}

/** Most entries are creates; one of a hundred failed, and one of a thousand is a deletion. */
function addEntry(tx: Tx, i: number): Promise<void> {
  const operation = i % 1_000 === 7 ? 'DeleteUser' : i % 10 === 3 ? 'UpdateUser' : 'CreateUser'
  const failed = i % 100 === 1
  return insertAuditEntry(tx, {
    id: newId(),
    at: new Date(begun + (MONTH_MS / entries) * i).toISOString(),
    operation,
    status: failed ? 'Failed' : 'Succeeded',
    outcome: failed ? 'email_taken' : 'created',
    caller: { kind: 'operator' },
    portal: null,
    organization: organizations.customers[(i * 7_919) % customers] ?? null,
    target: newId(),
    correlationId: newId(),
    address: null,
    reseller: i % 3 === 0 ? (organizations.resellers[i % organizations.resellers.length] ?? null) : null,
    changedFields: ['firstName'],
  })
}
