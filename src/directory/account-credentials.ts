import type { Account } from '../model/accounts.ts'
import { diff } from '../model/audit.ts'
import { type Credential, MAX_CREDENTIALS, newAccessKey, newSecretKey } from '../model/credentials.ts'
import { DirectoryError } from '../model/error.ts'
import { selectAccountByPk } from '../store/accounts/accounts.ts'
import { requestApply } from '../store/accounts/changes.ts'
import {
  countCredentials,
  insertCredential,
  markCredentialDeleted,
  type OwnedSealedCredential,
  updateCredentialActive,
} from '../store/accounts/credentials.ts'
import type { Directory } from './directory.ts'
import { findCustomerId } from './reach.ts'
import { credentialIdentity, type KeyOwner } from './sealing/sealer.ts'
import type { AuditDetails, Unit } from './unit.ts'

// Changes of the credentials of one account, inside a unit. What changes works once the reconciler has applied the
// account.

/** The members of the audit entry of a new credential. */
const NEW = { outcome: 'created', changedFields: ['accessKey', 'secretKey'] } as const

/**
 * Inserts a new credential of an account. Its access key and its secret key are random.
 * @throws {KeysUnreadableError} when the secret key cannot be encrypted
 */
export async function issueCredential(dir: Directory, unit: Unit, owner: KeyOwner): Promise<Credential> {
  const [accessKey, secretKey] = [newAccessKey(), newSecretKey()]
  const sealedSecret = dir.sealer.seal(secretKey, credentialIdentity(accessKey, owner))
  await insertCredential(unit.tx, { account: owner.pk, accessKey, sealedSecret, now: unit.now })
  return { accessKey, secretKey, active: true, createdAt: unit.now }
}

/**
 * Issues a credential to an account that has none, and writes an audit entry of its own.
 * @returns the account, in its new version if it got a credential
 * @throws {KeysUnreadableError} when the secret key cannot be encrypted
 */
export async function ensureCredential(dir: Directory, unit: Unit, account: Account): Promise<Account> {
  const { tx, now } = unit
  if ((await countCredentials(tx, account.pk)) > 0) return account
  // The change of the row comes first, so that of two repeated creates at once one runs again and counts again.
  await requestApply(tx, account.pk, now)
  const { accessKey: target } = await issueCredential(dir, unit, account)
  const organization = await findCustomerId(tx, account)
  await unit.audit({ ...NEW, operation: 'CreateCredential', organization, target })
  return (await selectAccountByPk(tx, account.pk)) as Account
}

/** The id of the customer whose account it is, for the audit entry. */
type OfCustomer = Required<Pick<AuditDetails, 'organization'>>

/**
 * Gives an account one more credential, and writes the audit entry.
 * @throws {DirectoryError} `too_many_credentials`
 * @throws {KeysUnreadableError} when the secret key cannot be encrypted
 */
export async function addCredential(
  dir: Directory,
  unit: Unit,
  { owner, organization }: OfCustomer & { readonly owner: KeyOwner },
): Promise<Credential> {
  const { tx, now } = unit
  // The change of the row comes first, so that concurrent calls run one after the other, and none passes the limit.
  await requestApply(tx, owner.pk, now)
  if ((await countCredentials(tx, owner.pk)) >= MAX_CREDENTIALS) throw tooManyCredentials()
  const credential = await issueCredential(dir, unit, owner)
  await unit.audit({ ...NEW, organization, target: credential.accessKey })
  return credential
}

function tooManyCredentials(): DirectoryError {
  const message = `The user has ${MAX_CREDENTIALS} credentials, and cannot have more; delete one first.`
  return new DirectoryError('too_many_credentials', message)
}

/** Activates or disables one credential, and writes the audit entry. The other credentials stay as they are. */
export async function setCredentialActive(
  { tx, now, audit }: Unit,
  found: OwnedSealedCredential,
  { active, organization }: OfCustomer & { readonly active: boolean },
): Promise<void> {
  if (found.active === active) return audit({ outcome: 'repeated', organization })
  await updateCredentialActive(tx, found.pk, active)
  await requestApply(tx, found.account.pk, now)
  await audit({ outcome: 'updated', organization, changes: diff(found, { active }) })
}

/** Deletes a credential, and writes the audit entry. */
export async function removeCredential(
  { tx, now, audit }: Unit,
  found: OwnedSealedCredential,
  { organization }: OfCustomer,
): Promise<void> {
  await markCredentialDeleted(tx, found.pk)
  await requestApply(tx, found.account.pk, now)
  await audit({ outcome: 'deleted', organization, changes: diff({}, { deletedAt: now }) })
}
