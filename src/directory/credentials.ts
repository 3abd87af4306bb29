import type { Account } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import type { OwnedCredential } from '../model/credentials.ts'
import { DirectoryError } from '../model/error.ts'
import { foldId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/pages.ts'
import { selectAccountByPk } from '../store/accounts/accounts.ts'
import {
  type OwnedSealedCredential,
  selectCredential,
  selectCredentialPage,
} from '../store/accounts/credentials.ts'
import { addCredential, removeCredential, setCredentialActive } from './account-credentials.ts'
import type { Directory } from './directory.ts'
import { type CredentialFilter, resolveCredentialFilter } from './filters.ts'
import { findCustomerId, getProviderPk, getReachableAccount, type Scope } from './reach.ts'
import { credentialIdentity, SealError } from './sealing/sealer.ts'
import { type AuditDetails, runRecordedRead, runUnit } from './unit.ts'

/** Names a credential by its access key. If a tenant or a user is given, the credential must belong to it. */
export interface CredentialIds {
  readonly accessKey: string
  readonly tenantId?: string | undefined
  readonly userId?: string | undefined
}

/**
 * Gives an account one more credential. The credential works once the reconciler has applied the account.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `too_many_credentials`, `store_unavailable`
 */
export function createCredential(
  dir: Directory,
  ctx: Context,
  ids: { tenantId: string; userId: string },
): Promise<OwnedCredential> {
  return runUnit(dir, ctx, { operation: 'CreateCredential', target: ids.userId }, async (unit) => {
    const owner = await getReachableAccount(unit, ids)
    const organization = await findCustomerId(unit.tx, owner)
    const { accessKey } = await addCredential(dir, unit, { owner, organization })
    return openCredential(dir, await getOwned(unit, { accessKey }))
  })
}

/**
 * Returns a credential with its secret key. The read leaves an audit entry.
 * @throws {DirectoryError} `not_permitted`, `credential_not_found`, `store_unavailable`
 */
export function getCredential(dir: Directory, ctx: Context, ids: CredentialIds): Promise<OwnedCredential> {
  return runRecordedRead(dir, ctx, 'GetCredential', async (scope) => {
    const found = await getOwned(scope, ids)
    return { result: openCredential(dir, found), details: await describeRead(scope, [found]) }
  })
}

/**
 * Activates or disables one credential. The other credentials and the account stay as they are.
 * @throws {DirectoryError} `not_permitted`, `credential_not_found`, `store_unavailable`
 */
export function updateCredential(
  dir: Directory,
  ctx: Context,
  request: CredentialIds & { active: boolean },
): Promise<OwnedCredential> {
  return runUnit(dir, ctx, { operation: 'UpdateCredential', target: request.accessKey }, async (unit) => {
    const found = await getOwned(unit, request)
    const organization = await findCustomerId(unit.tx, found.account)
    await setCredentialActive(unit, found, { active: request.active, organization })
    return openCredential(dir, await getOwned(unit, request))
  })
}

/**
 * Deletes a credential. The directory hides it at once; it stops working once the reconciler has applied its account.
 * @returns the account that the caller then waits for (see `Reconciler.settle`); undefined if the credential does not
 *   exist
 * @throws {DirectoryError} `not_permitted`, `credential_not_found` if it exists, but not at the tenant and the user
 *   that `ids` names; `store_unavailable`
 */
export function deleteCredential(
  dir: Directory,
  ctx: Context,
  ids: CredentialIds,
): Promise<Account | undefined> {
  return runUnit(dir, ctx, { operation: 'DeleteCredential', target: ids.accessKey }, async (unit) => {
    const found = await selectCredential(unit.tx, getProviderPk(unit), ids.accessKey)
    if (!found) return undefined
    if (!isOf(found, ids)) {
      // The key works on: reporting a success would hide that.
      if (found.exists) throw notFound(ids)
      return undefined
    }
    if (!found.exists) return found.account
    const organization = await findCustomerId(unit.tx, found.account)
    await removeCredential(unit, found, { organization })
    return selectAccountByPk(unit.tx, found.account.pk)
  })
}

async function getOwned(scope: Scope, ids: CredentialIds): Promise<OwnedSealedCredential> {
  const found = await selectCredential(scope.tx, getProviderPk(scope), ids.accessKey)
  if (found?.exists && isOf(found, ids)) return found
  throw notFound(ids)
}

function notFound({ accessKey, tenantId, userId }: CredentialIds): DirectoryError {
  const owner = [userId && ` of the user ${userId}`, tenantId && ` in the tenant ${tenantId}`]
  const message = `There is no credential${owner.filter(Boolean).join('')} with the access key ${accessKey}.`
  return new DirectoryError('credential_not_found', message)
}

function isOf({ account }: OwnedSealedCredential, { tenantId, userId }: CredentialIds): boolean {
  return (
    (tenantId === undefined || tenantId === account.tenantId) &&
    (userId === undefined || foldId(userId) === account.userId)
  )
}

/**
 * Lists a page of the credentials that match a filter, oldest first, with their secret keys. A page with credentials
 * leaves one audit entry.
 * @param request.operation what the entry is called; `QueryCredentials` by default
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function queryCredentials(
  dir: Directory,
  ctx: Context,
  request: {
    readonly filter: CredentialFilter
    readonly page: PageRequest
    readonly operation?: 'ListCredentials'
  },
): Promise<Page<OwnedCredential>> {
  const { filter, page, operation = 'QueryCredentials' } = request
  return runRecordedRead(dir, ctx, operation, async (scope) => {
    const criteria = await resolveCredentialFilter(scope, filter)
    if (!criteria) return { result: { items: [], total: 0 }, details: null }
    const { items, total } = await selectCredentialPage(scope.tx, criteria, page)
    const result = { items: items.map((one) => openCredential(dir, one)), total }
    return { result, details: await describeRead(scope, items) }
  })
}

/**
 * Returns what the audit entry of a read says: the access key, or else the user or the tenant that all the credentials
 * belong to. Null if the read found none.
 */
async function describeRead(
  { tx }: Scope,
  found: readonly OwnedSealedCredential[],
): Promise<AuditDetails | null> {
  const [first, ...others] = found
  if (!first) return null
  const { account, accessKey } = first
  const isShared = (member: 'userId' | 'tenantId'): boolean =>
    others.every((one) => one.account[member] === account[member])
  if (!isShared('tenantId')) return { outcome: 'read' }
  const user = isShared('userId') ? account.userId : account.tenantId
  const organization = await findCustomerId(tx, account)
  return { outcome: 'read', organization, target: others.length === 0 ? accessKey : user }
}

/** Stands in for a secret key that cannot be opened, so that one damaged secret does not break a list. */
const LOST_SECRET = 'Not Available'

/** Opens the secret key of a credential. */
function openCredential(dir: Directory, sealed: OwnedSealedCredential): OwnedCredential {
  const { accessKey, sealedSecret, active, createdAt, account } = sealed
  let secretKey: string
  try {
    secretKey = dir.sealer.open(sealedSecret, credentialIdentity(accessKey, account))
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    secretKey = LOST_SECRET
  }
  return { accessKey, secretKey, active, createdAt, account }
}
