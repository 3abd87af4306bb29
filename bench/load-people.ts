import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { completeLists } from '../src/directory/list-follower.ts'
import { newId } from '../src/model/ids.ts'
import type { Organization } from '../src/model/organizations.ts'
import { type Group, nameKeyOf } from '../src/model/users.ts'
import { openDirectory } from '../src/open-directory.ts'
import type { NewUserRow } from '../src/store/port.ts'
import { selectGroups } from '../src/store/tables/groups.ts'
import { insertOrganization, insertRelation, selectProvider } from '../src/store/tables/organizations.ts'

/**
 * Fills a directory that has been set up with customers, resellers and people with names as people have them, and takes
 * them into the lists: `USHER_DATA_DIR=<path> node bench/load-people.ts --users 1000000 --customers 10000`. Each tenth
 * customer is related to one of ten resellers, and a third of its people are in the context of that reseller. The first
 * customer has 10 % of the people. One of a hundred people is deleted.
 */
const UNIT = 2_500
const RESELLERS = 10

const FIRST =
  `Anna Peter Maria Johann Sofia Lukas Emma Paul Mia Leon Hannah Felix Lena Jonas Laura Max Julia Tim Sarah
  David Ada Grace Alan Edsger Barbara Donald Margaret Dennis Frances Ken Radia Linus Karen Guido Adele Bjarne Hedy
  James Katherine John Dorothy Claude Mary Richard Jean Robert Evelyn Tony Lynn Niklaus`.split(/\s+/)
const LAST =
  `Muller Schmidt Johnson Weber Smith Brown Garcia Rossi Silva Novak Kowalski Nielsen Dubois Moreau Santos
  Ivanov Petrov Yilmaz Kaya Nguyen Lovelace Hopper Turing Dijkstra Liskov Knuth Hamilton Ritchie Allen Thompson
  Perlman Torvalds Jones Rossum Goldberg Stroustrup Lamarr Gosling McCarthy Vaughan Shannon Jackson Stallman Sammet
  Kahn Boyd Hoare Conway Wirth Becker Hoffmann Schulz Koch Richter Klein Wolf Neumann Schwarz Zimmermann Braun`.split(
    /\s+/,
  )

const { values } = parseArgs({
  options: { users: { type: 'string' }, customers: { type: 'string', default: '10000' } },
})
const count = Number(values.users)
const { dir, close } = await openDirectory(await readConfig(process.env), { create: false })
const { store } = dir
const { customers, groups } = await addCustomers(Number(values.customers))
let begun = performance.now()
for (let first = 0; first < count; first += UNIT) {
  const now = new Date().toISOString()
  const rows = Array.from({ length: Math.min(UNIT, count - first) }, (_, i) => toRow(first + i, now))
  const outcomes = await store.write((tx) => tx.insertUsers(rows))
  if (outcomes.includes('refused')) throw new Error('the directory has been loaded already')
  const leavers = outcomes.filter((pk, i) => typeof pk === 'number' && (first + i) % 100 === 50) as number[]
  await store.write((tx) =>
    tx.query((db) => db.updateTable('users').set({ deleted_at: now }).where('pk', 'in', leavers)),
  )
}
report('inserted')
begun = performance.now()
while ((await store.write((tx) => tx.userIndex.enlistUsers(tx, UNIT))) === UNIT);
report('taken into the lists')
await completeLists(dir)
await close()

function report(what: string): void {
  console.log(`${what}: ${Math.round(count / ((performance.now() - begun) / 1_000))} users per second`)
}

/** A customer, and the reseller it is related to. */
interface Related {
  readonly organization: Organization
  readonly reseller: Organization | null
}

function addCustomers(total: number): Promise<{ customers: Related[]; groups: readonly Group[] }> {
  return store.write(async (tx) => {
    const provider = await selectProvider(tx)
    if (!provider) throw new Error('set the directory up first')
    const now = new Date().toISOString()
    const add = (kind: 'customer' | 'reseller', i: number): Promise<Organization> =>
      insertOrganization(tx, { id: newId(), kind, name: `${kind} ${i}`, providerPk: provider.pk, now })
    const resellers: Organization[] = []
    for (let i = 0; i < RESELLERS; i++) resellers.push(await add('reseller', i))
    const customers: Related[] = []
    for (let i = 0; i < total; i++) {
      const organization = await add('customer', i)
      const reseller = i % 10 === 0 ? (resellers[(i / 10) % RESELLERS] ?? null) : null
      customers.push({ organization, reseller })
      if (reseller) await insertRelation(tx, organization.pk, { pk: reseller.pk, now })
    }
    return { customers, groups: await selectGroups(tx, provider.pk) }
  })
}

function toRow(i: number, now: string): NewUserRow {
  const id = newId()
  const customer = pick(customers, i % 10 === 0 ? 0 : scatter(i))
  const { pk: organizationPk, id: organizationId, providerPk } = customer.organization
  const reseller = i % 3 === 0 ? customer.reseller : null
  const firstName = pick(FIRST, scatter(i * 3 + 1))
  const lastName = pick(LAST, scatter(i * 7 + 2)) + (i % 4 === 0 ? `-${pick(LAST, scatter(i * 5 + 3))}` : '')
  const email =
    `${firstName}.${lastName}.${i.toString(36)}@${organizationPk.toString(36)}.example`.toLowerCase()
  const names = { firstName, lastName, email }
  return {
    user: { id, organizationPk, resellerPk: reseller?.pk ?? null, providerPk, ...names, now },
    organizationId,
    resellerId: reseller?.id ?? null,
    emailKey: email,
    nameKey: nameKeyOf({ ...names, emailKey: email }),
    groups: [pick(groups, i % 20 === 0 ? 0 : 2)],
    entry: null,
  }
}

function pick<T>(items: readonly T[], at: number): T {
  return items[at % items.length] as T
}

/** A bijection of the 32-bit numbers that leaves neighbours far apart. */
function scatter(i: number): number {
  const mixed = Math.imul(i ^ (i >>> 15), 0x9e3779b1)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
