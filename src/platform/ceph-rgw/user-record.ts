import type { IdPage, PlatformAccount, WantedAccount } from '../platform.ts'
import { PlatformError } from '../platform.ts'
import { type JsonObject, toArray, toNumber, toObject, toText } from './json.ts'

/**
 * All that RGW keeps of a user, as GET /admin/metadata/user shows it. Usher changes a name, a flag and the keys of it;
 * the rest (quotas, caps, placement, and what later releases add) is the operator's and goes back as it came, since
 * the PUT of this record sets to zero what it does not find.
 */
export type UserRecord = JsonObject

/** Longer names than the directory's are not expected; a request line must not grow without end. */
const LONGEST_NAME = 255
/** RGW takes these, and then writes them into S3 answers, which XML 1.0 forbids: clients cannot read those. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_IN_XML = /[\u0000-\u001f\u007f\ufffe\uffff]/g

/**
 * The uid of an account: `tenant$user`.
 * @throws {PlatformError} for what RGW would read as another user: a second `$` makes a third part, an empty one vanishes
 */
export function toUid({ canonicalUserId }: Pick<WantedAccount, 'canonicalUserId'>): string {
  if (/^\w+\$[^$]+$/.test(canonicalUserId)) return canonicalUserId
  throw new PlatformError(`'${canonicalUserId}' cannot be the uid of a Ceph RGW user: it must be tenant$user`)
}

/** A display name that RGW keeps as it is and S3 clients can read; RGW refuses an empty one. */
export function shapeDisplayName(account: Pick<WantedAccount, 'displayName' | 'canonicalUserId'>): string {
  const shaped = account.displayName.toWellFormed().replace(NOT_IN_XML, ' ')
  const name = Array.from(shaped).slice(0, LONGEST_NAME).join('')
  return name.trim() === '' ? account.canonicalUserId : name
}

/** @param body what GET /admin/metadata/user answered about the uid */
export function fromMetadata(body: unknown, uid: string): UserRecord {
  const record = toObject(toObject(body, 'metadata').data, 'a user')
  if (record.user_id !== uid)
    throw new PlatformError(`the Ceph RGW was asked for ${uid} and answered another user`)
  return record
}

/** @returns the body of PUT /admin/metadata/user */
export function toMetadata(record: UserRecord, uid: string): JsonObject {
  return { key: `user:${uid}`, data: record }
}

export function toAccount(record: UserRecord): PlatformAccount {
  return {
    state: record.suspended ? 'suspended' : 'active',
    displayName: toText(record.display_name, 'display_name'),
    keys: listKeys(record).map(({ access_key, secret_key, active }) => ({
      accessKey: toText(access_key, 'access_key'),
      secretKey: toText(secret_key, 'secret_key'),
      active: active !== false,
    })),
  }
}

/** @param body what GET /admin/metadata/user answered to `max-entries` */
export function toIdPage(body: unknown): IdPage {
  const { keys, truncated, marker } = toObject(body, 'a page of users')
  const ids = toArray(keys, 'keys').map((key) => toText(key, 'a uid'))
  // RGW 16.2 says it as a text.
  return { ids, next: String(truncated) === 'true' ? toText(marker, 'marker') : null }
}

/** The limit on what the user may store, all buckets together, in bytes; null when there is none. */
export function quotaOf(record: UserRecord): number | null {
  const quota = toObject(record.user_quota, 'user_quota')
  const bytes = toNumber(quota.max_size, 'max_size')
  return quota.enabled === true && bytes >= 0 ? bytes : null
}

/** The record as it must be for the account. Every key that is not among the account's active ones is left out. */
export function withAccount(record: UserRecord, account: WantedAccount): UserRecord {
  const uid = toUid(account)
  const present = listKeys(record)
  return {
    ...record,
    display_name: shapeDisplayName(account),
    suspended: account.state === 'suspended' ? 1 : 0,
    keys: account.credentials
      .filter((credential) => credential.active)
      .flatMap(
        (credential) => present.find((key) => isSame(key, credential, uid)) ?? newKeys(credential, uid),
      ),
  }
}

/** Whether the record is as it must be for the account already. */
export function hasAccount(record: UserRecord, account: WantedAccount): boolean {
  const wanted = withAccount(record, account)
  const present = listKeys(record)
  const keys = wanted.keys as readonly JsonObject[]
  return (
    record.display_name === wanted.display_name &&
    Boolean(record.suspended) === Boolean(wanted.suspended) &&
    present.length === keys.length &&
    keys.every((key) => present.includes(key))
  )
}

function listKeys(record: UserRecord): JsonObject[] {
  return toArray(record.keys, 'keys').map((key) => toObject(key, 'a key'))
}

type Credential = WantedAccount['credentials'][number]

/** A key with a `:` in its user is a subuser's, and has that one's permissions. */
function isSame(key: JsonObject, { accessKey, secretKey }: Credential, uid: string): boolean {
  const isSecret = secretKey === null || key.secret_key === secretKey
  return key.access_key === accessKey && isSecret && key.user === uid && key.active !== false
}

/** Releases that know `active` (19 and later) take a key without it for a disabled one; earlier ones ignore it. */
function newKeys({ accessKey, secretKey }: Credential, uid: string): JsonObject[] {
  if (secretKey === null) return []
  return [{ user: uid, access_key: accessKey, secret_key: secretKey, active: true }]
}
