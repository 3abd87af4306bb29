import type { PersonAccount } from '../model/accounts.ts'
import type { Context } from '../model/context.ts'
import { type Credential, MAX_CREDENTIALS } from '../model/credentials.ts'
import { DirectoryError } from '../model/error.ts'
import {
  type OwnedSealedCredential,
  selectCredential,
  selectCredentials,
} from '../store/accounts/credentials.ts'
import { selectPersonAccounts } from '../store/accounts/views.ts'
import { addCredential, removeCredential, setCredentialActive } from './account-credentials.ts'
import type { Directory } from './directory.ts'
import { getHolder, type PersonRef, toUserTarget } from './person-accounts.ts'
import { runRead, runUnit, type Unit } from './unit.ts'

/** A key without its secret. */
export type KeyView = Omit<Credential, 'secretKey'>

/** A key of a user, and their account, for a caller who waits for the platform. */
export interface KeyOfPerson<Key = KeyView> {
  readonly key: Key
  readonly account: PersonAccount
}

/** Names a key. If a user or a customer is given, the key must belong to them. */
export type KeyRef = Partial<PersonRef> & { readonly accessKey: string }
type Holder = Awaited<ReturnType<typeof getHolder>>

/**
 * Lists the keys of a user's account, oldest first, without their secrets.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `customer_not_found`, `account_not_found`,
 *   `store_unavailable`
 */
export function listPersonCredentials(dir: Directory, ctx: Context, ref: PersonRef): Promise<KeyView[]> {
  return runRead(dir, ctx, 'ListUserCredentials', async (scope) => {
    const { account } = await getHolder(scope, ref)
    const found = await selectCredentials(scope.tx, account.pk, { limit: MAX_CREDENTIALS })
    return found.map(toKeyView)
  })
}

function toKeyView({ accessKey, active, createdAt }: KeyView): KeyView {
  return { accessKey, active, createdAt }
}

/**
 * Gives a user one more key. Its secret is returned this once.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `customer_not_found`, `account_not_found`,
 *   `too_many_credentials`, `store_unavailable`
 */
export function createPersonCredential(
  dir: Directory,
  ctx: Context,
  ref: PersonRef,
): Promise<KeyOfPerson<Credential>> {
  const subject = {
    operation: 'CreateUserCredential',
    target: toUserTarget(ref.userId),
    returnsSecret: true,
  } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const holder = await getHolder(unit, ref)
    const { account, user, organization } = holder
    const owner = { pk: account.pk, canonicalUserId: account.canonicalUserId, userId: user.id }
    const key = await addCredential(dir, unit, { owner, organization: organization.id })
    return { key, account: await getAccount(unit, holder) }
  })
}

/**
 * Disables or enables one key. The other keys and the account stay as they are.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `customer_not_found`, `account_not_found`,
 *   `credential_not_found`, `store_unavailable`
 */
export function updatePersonCredential(
  dir: Directory,
  ctx: Context,
  request: KeyRef & { readonly active: boolean },
): Promise<KeyOfPerson> {
  const { accessKey, active } = request
  return runUnit(dir, ctx, { operation: 'UpdateUserCredential', target: accessKey }, async (unit) => {
    const holder = await getHolderOfKey(unit, request)
    const found = await findKey(unit, holder, accessKey)
    if (!found?.exists) throw notFound(request)
    await setCredentialActive(unit, found, { active, organization: holder.organization.id })
    return { key: { ...toKeyView(found), active }, account: await getAccount(unit, holder) }
  })
}

/**
 * Deletes a key of a user. Repeating the call changes nothing, as long as the platform still has the key.
 * @returns the account, for a caller who waits for the platform
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `customer_not_found`, `account_not_found`,
 *   `credential_not_found`, `store_unavailable`
 */
export function deletePersonCredential(dir: Directory, ctx: Context, ref: KeyRef): Promise<PersonAccount> {
  const { accessKey } = ref
  return runUnit(dir, ctx, { operation: 'DeleteUserCredential', target: accessKey }, async (unit) => {
    const holder = await getHolderOfKey(unit, ref)
    const found = await findKey(unit, holder, accessKey)
    if (!found) throw notFound(ref)
    if (!found.exists) return holder.account
    await removeCredential(unit, found, { organization: holder.organization.id })
    return getAccount(unit, holder)
  })
}

/**
 * Returns the account of a key, and whose it is. Without a user in the request, a key out of reach is reported as one
 * that does not exist, after the same look-ups.
 */
async function getHolderOfKey(unit: Unit, ref: KeyRef): Promise<Holder> {
  const { userId, customerId, accessKey } = ref
  if (userId !== undefined) return getHolder(unit, { userId, customerId })
  const found = await selectCredential(unit.tx, unit.ctx.organization.providerPk, accessKey)
  try {
    return await getHolder(unit, { userId: found?.account.userId ?? NO_USER, customerId })
  } catch (error) {
    const isOther = error instanceof DirectoryError && HIDDEN.has(error.code)
    throw isOther ? notFound(ref) : error
  }
}

/** An id that no user has. */
const NO_USER = '00000000-0000-0000-0000-000000000000'
const HIDDEN: ReadonlySet<string> = new Set(['user_not_found', 'account_not_found'])

/** Returns a key of the holder's account, also one that the platform is to remove. */
async function findKey(
  { tx }: Unit,
  { account, organization }: Holder,
  accessKey: string,
): Promise<OwnedSealedCredential | undefined> {
  const found = await selectCredential(tx, organization.providerPk, accessKey)
  return found?.account.pk === account.pk ? found : undefined
}

async function getAccount({ tx }: Unit, { user, account }: Holder): Promise<PersonAccount> {
  const accounts = await selectPersonAccounts(tx, user.pk)
  return accounts.find(({ pk }) => pk === account.pk) as PersonAccount
}

function notFound({ accessKey, userId }: KeyRef): DirectoryError {
  const message =
    userId === undefined ? `There is no key ${accessKey}.` : `The user ${userId} has no key ${accessKey}.`
  return new DirectoryError('credential_not_found', message)
}
