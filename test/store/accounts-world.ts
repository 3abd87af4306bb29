import assert from 'node:assert/strict'
import { newId } from '../../src/model/ids.ts'
import { insertAccount } from '../../src/store/accounts/accounts.ts'
import { insertCredential } from '../../src/store/accounts/credentials.ts'
import type { Store } from '../../src/store/port.ts'
import { insertTenant } from '../../src/store/tables/tenants.ts'
import { addOrganization, addProvider, NOW, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** A store with two tenants of one provider. */
export interface World {
  readonly store: Store
  readonly provider: number
  readonly tenants: readonly { readonly pk: number; readonly organization: number }[]
}

/** Opens a store with two tenants. */
export async function newWorld(open: OpenStore): Promise<World> {
  const store = await open()
  const provider = await addProvider(store)
  const tenants = []
  for (const name of ['one', 'other']) {
    const customer = await addOrganization(store, provider, 'customer')
    const row = { id: newId(), organization: customer, platform: 'p', name, orgIds: [name], now: NOW }
    const tenant = await store.write((tx) => insertTenant(tx, row))
    tenants.push({ pk: tenant.pk, organization: customer.pk })
  }
  return { store, provider: provider.pk, tenants }
}

/** An account that `put` has inserted. */
export interface Added {
  readonly pk: number
  readonly user: number
  readonly userId: string
}

/** Inserts an account of a new user, with one credential. */
export async function put(
  { store, tenants }: World,
  at: { tenant?: number; orgId?: string; orgUserId: string; username?: string; active?: boolean },
): Promise<Added> {
  const tenant = tenants[at.tenant ?? 0] ?? assert.fail()
  return store.write(async (tx) => {
    const userId = newId()
    const user = (await putUser(tx, tenant.organization, null, userId)) ?? assert.fail()
    const pk = await insertAccount(tx, {
      tenant: tenant.pk,
      user,
      madeUser: true,
      platform: 'p',
      canonicalUserId: newId(),
      orgId: at.orgId ?? 'org',
      orgUserId: at.orgUserId,
      username: at.username ?? at.orgUserId,
      email: null,
      role: 'TENANT_USER',
      enabled: at.active ?? true,
      now: NOW,
    })
    await insertCredential(tx, { account: pk, accessKey: `AK${pk}`, sealedSecret: 's', now: NOW })
    return { pk, user, userId }
  })
}
