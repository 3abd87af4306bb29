import type { Directory } from '../directory/directory.ts'
import { credentialIdentity, SealError, UnknownKeyError } from '../directory/sealing/sealer.ts'
import type { Account } from '../model/accounts.ts'
import { type Credential, MAX_CREDENTIALS } from '../model/credentials.ts'
import type { WantedAccount } from '../platform/platform.ts'
import { selectAccountToReconcile } from '../store/accounts/accounts.ts'
import { selectCredentials } from '../store/accounts/credentials.ts'
import type { Tx } from '../store/port.ts'

/** An account of the directory, and how its platform shall have it at its desired version. */
export interface Wanted {
  readonly account: Account
  readonly wanted: WantedAccount
}

/**
 * @returns undefined for an account that was never there
 * @throws {UnknownKeyError} when a secret was sealed under a master key that is not here, and may be elsewhere
 */
export async function findWanted(dir: Directory, tx: Tx, pk: number): Promise<Wanted | undefined> {
  const found = await selectAccountToReconcile(tx, pk)
  if (!found) return undefined
  const { account, purge } = found
  const sealed = await selectCredentials(tx, pk, { limit: MAX_CREDENTIALS })
  const credentials = sealed.map(({ accessKey, sealedSecret, active }) => ({
    accessKey,
    secretKey: openSecret(dir, { accessKey, sealedSecret }),
    active,
  }))
  const state = !found.wanted ? 'gone' : account.active ? 'active' : 'suspended'
  return { account, wanted: { ...namesOf(account), state, purge, credentials } }
}

/** An account as it was created: nobody else has tried to apply it, since it is claimed. */
export function toWanted(account: Account, credential: Credential): Wanted {
  const state = account.active ? 'active' : 'suspended'
  const wanted = { ...namesOf(account), state, isNew: true, purge: false, credentials: [credential] } as const
  return { account, wanted }
}

function namesOf({ tenantId, userId, canonicalUserId, username: displayName }: Account) {
  return { tenantId, userId, canonicalUserId, displayName }
}

/** One damaged secret must not keep an account from being suspended, or its other keys from working. */
function openSecret(
  { sealer }: Directory,
  { accessKey, sealedSecret }: { accessKey: string; sealedSecret: string },
): string | null {
  try {
    return sealer.open(sealedSecret, credentialIdentity(accessKey))
  } catch (error) {
    if (error instanceof SealError && !(error instanceof UnknownKeyError)) return null
    throw error
  }
}
