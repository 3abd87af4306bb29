import type { Directory } from '../directory/directory.ts'
import { credentialIdentity, SealError, UnknownKeyError } from '../directory/sealing/sealer.ts'
import type { Account } from '../model/accounts.ts'
import { type Credential, MAX_CREDENTIALS } from '../model/credentials.ts'
import type { DesiredState, Platforms } from '../platform/platform.ts'
import { selectCredentials } from '../store/accounts/credentials.ts'
import { selectAccountToReconcile } from '../store/accounts/to-reconcile.ts'
import type { Tx } from '../store/port.ts'

/** A directory, and the platforms that its accounts are on. */
export interface DirectoryPlatforms {
  readonly dir: Directory
  readonly platforms: Platforms
}

/** An account, and the state that its platform must have at the account's desired version. */
export interface Desired {
  readonly account: Account
  readonly state: DesiredState
  /** When this state was wanted, ISO 8601. */
  readonly changedAt: string
  /** Whether the attempt before failed. */
  readonly hasFailed: boolean
}

/** Returns the desired state of an account that has just been created with this credential. */
export function toDesired(account: Account, credential: Credential): Desired {
  const status = account.active ? 'active' : 'suspended'
  const state = { ...namesOf(account), status, isNew: true, purge: false, credentials: [credential] } as const
  return { account, state, changedAt: account.createdAt, hasFailed: false }
}

function namesOf({ tenantId, userId, canonicalUserId, username: displayName }: Account) {
  return { tenantId, userId, canonicalUserId, displayName }
}

/**
 * Reads the desired state of an account. A secret that cannot be decrypted becomes null: one damaged secret must not
 * prevent a suspension, or break the other access keys of the account.
 * @returns undefined if there is no such account
 * @throws {UnknownKeyError} if a secret is encrypted with a master key that this process does not have; another
 *   process may have it
 */
export async function findDesired(dir: Directory, tx: Tx, pk: number): Promise<Desired | undefined> {
  const found = await selectAccountToReconcile(tx, pk)
  if (!found) return undefined
  const { account, purge, changedAt, hasFailed } = found
  const sealed = await selectCredentials(tx, pk, { limit: MAX_CREDENTIALS })
  const credentials = sealed.map(({ accessKey, sealedSecret, active }) => ({
    accessKey,
    secretKey: openSecret(dir, { account, accessKey, sealedSecret }),
    active,
  }))
  const status = !found.exists ? 'gone' : account.active ? 'active' : 'suspended'
  return { account, state: { ...namesOf(account), status, purge, credentials }, changedAt, hasFailed }
}

function openSecret(
  { sealer }: Directory,
  { account, accessKey, sealedSecret }: { account: Account; accessKey: string; sealedSecret: string },
): string | null {
  try {
    return sealer.open(sealedSecret, credentialIdentity(accessKey, account))
  } catch (error) {
    if (error instanceof SealError && !(error instanceof UnknownKeyError)) return null
    throw error
  }
}
