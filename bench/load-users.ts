import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { newId } from '../src/model/ids.ts'
import { nameKeyOf } from '../src/model/users.ts'
import { openDirectory } from '../src/open-directory.ts'
import { followAuditLog } from '../src/store/audit/index-rows.ts'
import type { NewUserRow } from '../src/store/port.ts'
import { selectGroups } from '../src/store/tables/groups.ts'
import { selectOrganization, selectOrganizations } from '../src/store/tables/organizations.ts'

/**
 * Fills a directory that has been set up with users, each with a membership and an audit entry, as creates leave
 * them: `USHER_DATA_DIR=<path> node bench/load-users.ts --users 1000000`. Other settings are in the environment too.
 * They are in the first customer, or in `--customer ID`. With `--follow`, they are taken into the lists, and their
 * entries into the index of the audit log, so that a server has nothing to do for them.
 */
const UNIT = 2_000

const { values } = parseArgs({
  options: {
    users: { type: 'string' },
    domain: { type: 'string', default: 'loaded.example' },
    customer: { type: 'string' },
    follow: { type: 'boolean', default: false },
  },
})
const count = Number(values.users)
const { dir, close } = await openDirectory(await readConfig(process.env), { create: false })
const { store } = dir
const { customer, groups } = await store.read(async (tx) => {
  const [first] = await selectOrganizations(tx, { kind: 'customer', after: 0, limit: 1 })
  const found = values.customer === undefined ? first : await selectOrganization(tx, values.customer)
  if (!found) throw new Error('set the directory up first')
  return { customer: found, groups: await selectGroups(tx, found.providerPk) }
})

for (let first = 0; first < count; first += UNIT) {
  await store.write(async (tx) => {
    const now = new Date().toISOString()
    const last = Math.min(first + UNIT, count)
    const rows = Array.from({ length: last - first }, (_, i) => toRow(first + i, now))
    if ((await tx.insertUsers(rows)).includes('refused'))
      throw new Error('the directory has been loaded already')
  })
}
if (values.follow) {
  while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, UNIT))) === UNIT);
  await store.sealAudit()
  while ((await store.write((tx) => followAuditLog(tx, UNIT))) > 0);
}
await close()

function toRow(i: number, now: string): NewUserRow {
  const id = newId()
  // Scattered over the index, as real addresses are.
  const email = `${scatter(i)}@${values.domain}`
  const names = { firstName: 'Loaded', lastName: `Number ${i}`, email }
  const { pk: organizationPk, id: organizationId, providerPk } = customer
  return {
    user: { id, organizationPk, resellerPk: null, providerPk, ...names, now },
    organizationId,
    resellerId: null,
    emailKey: email,
    nameKey: nameKeyOf({ ...names, emailKey: email }),
    groups: groups.slice(0, 1),
    entry: {
      id: newId(),
      at: now,
      operation: 'CreateUser',
      status: 'Succeeded',
      outcome: 'created',
      caller: { kind: 'operator' },
      portal: null,
      organization: organizationId,
      target: id,
      correlationId: id,
      address: null,
      reseller: null,
      changedFields: ['firstName', 'lastName', 'email', 'groups'],
    },
  }
}

/** A bijection of the 32-bit numbers that leaves neighbours far apart. */
function scatter(i: number): string {
  return (Math.imul(i, 0x9e3779b1) >>> 0).toString(36).padStart(7, '0')
}
