import type { Operation } from '../../model/audit.ts'
import type { Context } from '../../model/context.ts'
import { MAX_CREDENTIALS } from '../../model/credentials.ts'
import { DirectoryError } from '../../model/error.ts'
import type { Done } from '../../model/explain.ts'
import { isUuid } from '../../model/ids.ts'
import { selectCredentials } from '../../store/accounts/credentials.ts'
import {
  type ExplainedAccount,
  type ExplainedTenant,
  selectExplainedAccounts,
  selectExplainedTenant,
} from '../../store/accounts/explained.ts'
import { selectLastEntryAbout } from '../../store/audit/last-entry.ts'
import { selectCallerNames } from '../../store/audit/log-names.ts'
import { type FoundOrganization, selectFoundOrganizationByPk } from '../../store/find/organizations.ts'
import { selectFoundAccountsAndKeys } from '../../store/find/things.ts'
import { selectErasedAt } from '../../store/tables/person-keys.ts'
import { toLogReader } from '../audit-entries.ts'
import type { Directory } from '../directory.ts'
import { getReachableUser, getUserArea, getUserOfAnyState, type ReachableUser, type Scope } from '../reach.ts'
import { credentialIdentity, SealError } from '../sealing/sealer.ts'
import { runRead } from '../unit.ts'

/** A key, and whether its secret can be opened. The secret itself stays in the directory. */
export interface KeyFacts {
  readonly accessKey: string
  readonly active: boolean
  readonly opens: boolean
}

/** Everything that the directory knows about why a user's storage works or does not. */
export interface UserFacts {
  readonly user: ReachableUser['user']
  readonly organization: FoundOrganization
  readonly erasedAt: string | null
  readonly tenant: ExplainedTenant | null
  /** The account to explain: the one that exists, or else the last one; null for none. */
  readonly account: ExplainedAccount | null
  readonly keys: readonly KeyFacts[]
  /** Who deleted or suspended the user, suspended the account and suspended the customer last. */
  readonly done: { readonly user: Done; readonly account: Done; readonly organization: Done }
}

/**
 * Reads what explains a user: one in reach, deleted or not.
 * @param id the id of the user, or their e-mail address; a deleted user is found by it if no live one has it
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `store_unavailable`
 */
export function readUserFacts(dir: Directory, ctx: Context, id: string): Promise<UserFacts> {
  return runRead(dir, ctx, 'ExplainUser', async (scope) => readFacts(dir, scope, await getAnyUser(scope, id)))
}

/**
 * Reads what explains an account, of a user in reach.
 * @param canonicalId as the platform names the owner of data
 * @throws {DirectoryError} `not_permitted`, `account_not_found`, `store_unavailable`
 */
export function readAccountFacts(dir: Directory, ctx: Context, canonicalId: string): Promise<UserFacts> {
  return runRead(dir, ctx, 'ExplainAccount', async (scope) => {
    const area = { ...(await getUserArea(scope, {})), ofDeleted: ctx.organization.kind === 'provider' }
    const named = await selectFoundAccountsAndKeys(scope.tx, area, canonicalId)
    const account = named.find(({ match }) => match === 'canonical_id')
    if (!account)
      throw new DirectoryError(
        'account_not_found',
        `There is no account with the canonical id ${canonicalId}.`,
      )
    return readFacts(dir, scope, await getAnyUser(scope, account.user.id), canonicalId)
  })
}

/** Returns a user by id, deleted or not, or by e-mail: the live one who has it, or else the one deleted last. */
async function getAnyUser(scope: Scope, id: string): Promise<ReachableUser> {
  if (isUuid(id)) return getUserOfAnyState(scope, id)
  try {
    return await getReachableUser(scope, { user: id })
  } catch (error) {
    if (!isUserNotFound(error)) throw error
    return getReachableUser(scope, { user: id }, 'deleted').catch((other) => {
      // The second message would speak of deleted users alone.
      throw isUserNotFound(other) ? error : other
    })
  }
}

function isUserNotFound(error: unknown): boolean {
  return error instanceof DirectoryError && error.code === 'user_not_found'
}

async function readFacts(
  dir: Directory,
  scope: Scope,
  { user, organization: { pk } }: ReachableUser,
  canonicalId?: string,
): Promise<UserFacts> {
  const { tx } = scope
  const organization = (await selectFoundOrganizationByPk(tx, pk)) as FoundOrganization
  const accounts = await selectExplainedAccounts(tx, user.pk)
  const account =
    accounts.find((one) => canonicalId === undefined || one.canonicalUserId === canonicalId) ?? null
  return {
    user,
    organization,
    erasedAt: (await selectErasedAt(tx, user.id)) ?? null,
    tenant: (await selectExplainedTenant(tx, pk)) ?? null,
    account,
    keys: account ? await readKeys(dir, scope, account) : [],
    done: await readDone(scope, { user, organization, account }),
  }
}

async function readKeys(dir: Directory, { tx }: Scope, account: ExplainedAccount): Promise<KeyFacts[]> {
  const keys = await selectCredentials(tx, account.pk, { limit: MAX_CREDENTIALS })
  return keys.map(({ accessKey, sealedSecret, active }) => {
    try {
      dir.sealer.open(sealedSecret, credentialIdentity(accessKey, account))
      return { accessKey, active, opens: true }
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      return { accessKey, active, opens: false }
    }
  })
}

const OF_USER: readonly Operation[] = [
  'DeleteUser',
  'SuspendUser',
  'UpdateUser',
  'ImportUsers',
  'DeleteAccount',
]
const OF_ACCOUNT: readonly Operation[] = ['UpdateUserAccount', 'UpdateAccount']

/** The log is read only for what was done: most users are as they should be. */
async function readDone(
  scope: Scope,
  { user, organization, account }: Pick<UserFacts, 'user' | 'organization' | 'account'>,
): Promise<UserFacts['done']> {
  const find = (isDone: boolean, target: string, operations: readonly Operation[]): Promise<Done> =>
    isDone ? findDoer(scope, target, operations) : Promise.resolve({ at: null, by: null })
  return {
    user: await find(user.deletedAt !== null || !user.active, user.id, OF_USER),
    account: await find(account?.enabled === false, user.id, OF_ACCOUNT),
    organization: await find(organization.state === 'suspended', organization.id, ['SuspendCustomer']),
  }
}

async function findDoer(scope: Scope, target: string, operations: readonly Operation[]): Promise<Done> {
  const outcomes = ['deleted', 'suspended', 'updated']
  const entry = await selectLastEntryAbout(scope.tx, { target, operations, outcomes })
  if (!entry) return { at: null, by: null }
  const { caller, at } = entry
  if (caller.kind === 'operator') return { at, by: 'operator' }
  const names = await selectCallerNames(scope.tx, [caller], toLogReader(scope.ctx))
  return { at, by: names.get(caller.id)?.name ?? null }
}
