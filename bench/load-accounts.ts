import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { credentialIdentity } from '../src/directory/sealing/sealer.ts'
import { EVERYTHING } from '../src/model/conditions.ts'
import { newSecretKey } from '../src/model/credentials.ts'
import { newId } from '../src/model/ids.ts'
import { nameKeyOf } from '../src/model/users.ts'
import { openDirectory } from '../src/open-directory.ts'
import { insertAccount } from '../src/store/accounts/accounts.ts'
import { insertCredential } from '../src/store/accounts/credentials.ts'
import { claimAccount, markAccountApplied } from '../src/store/accounts/leases.ts'
import type { NewUserRow } from '../src/store/port.ts'
import { selectProvider } from '../src/store/tables/organizations.ts'
import { selectTenantPage } from '../src/store/tables/tenant-lists.ts'

/**
 * Fills the oldest tenant of a directory that has been set up with applied accounts, each with one credential. The
 * directory is the one that Usher's own settings name: `node bench/load-accounts.ts --accounts 100000`.
 */
const UNIT = 2_000

const { values } = parseArgs({ options: { accounts: { type: 'string' } } })
const count = Number(values.accounts)
const { dir, close } = await openDirectory(await readConfig(process.env), { create: false })
const { store, sealer } = dir
const tenant = await store.read(async (tx) => {
  const provider = await selectProvider(tx)
  if (!provider) throw new Error('set the directory up first')
  const { items } = await selectTenantPage(
    tx,
    { provider: provider.pk, where: EVERYTHING },
    { offset: 0, limit: 1 },
  )
  if (!items[0]) throw new Error('there is no tenant')
  return items[0]
})
const [orgId = 'org'] = tenant.orgIds

for (let first = 0; first < count; first += UNIT) {
  await store.write(async (tx) => {
    const now = new Date().toISOString()
    // At least two: inserting one user as the first statement of a unit would end the unit.
    const rows = Array.from({ length: Math.max(2, Math.min(UNIT, count - first)) }, () => toRow(now))
    const users = await tx.insertUsers(rows)
    for (const [
      offset,
      {
        user: { id },
      },
    ] of rows.entries()) {
      const i = first + offset
      const canonicalUserId = `${tenant.id}$${id}`
      const pk = await insertAccount(tx, {
        tenant: tenant.pk,
        user: Number(users[offset]),
        madeUser: true,
        platform: tenant.platform,
        canonicalUserId,
        orgId,
        orgUserId: `loaded-${i}`,
        username: `user number ${i}`,
        email: null,
        role: 'TENANT_USER',
        // Every tenth is suspended.
        enabled: i % 10 !== 0,
        now,
      })
      await claimAccount(tx, pk, { now, until: now, by: 'load' })
      await markAccountApplied(tx, { pk, by: 'load' }, 1)
      const accessKey = `LOADED${i}`
      const sealedSecret = sealer.seal(
        newSecretKey(),
        credentialIdentity(accessKey, { pk, canonicalUserId, userId: id }),
      )
      await insertCredential(tx, { account: pk, accessKey, sealedSecret, now })
    }
  })
}
await close()

/** Makes the row of a user without a name. */
function toRow(now: string): NewUserRow {
  const { organizationPk, organizationId, providerPk } = tenant
  const names = { firstName: null, lastName: null, email: null }
  const keys = { emailKey: null, nameKey: nameKeyOf({ ...names, emailKey: null }) }
  return {
    user: { id: newId(), organizationPk, providerPk, resellerPk: null, ...names, now },
    ...{ organizationId, resellerId: null, ...keys, groups: [], entry: null },
  }
}
