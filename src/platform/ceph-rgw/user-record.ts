import type { DesiredState, IdPage, PlatformAccount } from '../platform.ts'
import { badResponse } from '../platform.ts'
import { type JsonObject, toArray, toNumber, toObject, toText } from './json.ts'
import { toUid } from './owner-form.ts'

/**
 * The whole record of an RGW user, as GET /admin/metadata/user returns it. Usher changes the name, the suspended flag
 * and the access keys. Everything else (quotas, caps, placement, members of later releases) belongs to the operator and
 * is sent back unchanged, because the PUT resets members that are missing.
 */
export type UserRecord = JsonObject

/** The longest display name in characters. The directory has the same limit. */
const MAX_NAME = 255
/** RGW accepts these characters and writes them into S3 responses. XML 1.0 forbids them, so clients would fail. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern finds control characters
const NOT_IN_XML = /[\u0000-\u001f\u007f\ufffe\uffff]/g

/** Returns a display name that RGW stores unchanged and S3 clients can read. RGW refuses an empty one. */
export function shapeDisplayName(state: Pick<DesiredState, 'displayName' | 'canonicalUserId'>): string {
  const shaped = state.displayName.toWellFormed().replace(NOT_IN_XML, ' ')
  const name = Array.from(shaped).slice(0, MAX_NAME).join('')
  return name.trim() === '' ? state.canonicalUserId : name
}

/**
 * Reads the record of a user from a response.
 * @param body the response to GET /admin/metadata/user for the uid
 * @throws {PlatformError} if the response is not the record of this user
 */
export function fromMetadata(body: unknown, uid: string): UserRecord {
  const record = toObject(toObject(body, 'metadata').data, 'a user')
  if (record.user_id !== uid) throw badResponse(`the Ceph RGW was asked for ${uid} and returned another user`)
  return record
}

/** Returns the body of PUT /admin/metadata/user. */
export function toMetadata(record: UserRecord, uid: string): JsonObject {
  return { key: `user:${uid}`, data: record }
}

/**
 * Translates a record into an account.
 * @throws {PlatformError} if a member is missing or has a wrong type
 */
export function toAccount(record: UserRecord): PlatformAccount {
  return {
    status: record.suspended ? 'suspended' : 'active',
    displayName: toText(record.display_name, 'display_name'),
    keys: listKeys(record).map(({ access_key, secret_key, active }) => ({
      accessKey: toText(access_key, 'access_key'),
      secretKey: toText(secret_key, 'secret_key'),
      active: active !== false,
    })),
  }
}

/**
 * Reads a page of uids from a response.
 * @param body the response to GET /admin/metadata/user with `max-entries`
 */
export function toIdPage(body: unknown): IdPage {
  const { keys, truncated, marker } = toObject(body, 'a page of users')
  const ids = toArray(keys, 'keys').map((key) => toText(key, 'a uid'))
  // RGW 16.2 sends `truncated` as a string.
  return { ids, next: String(truncated) === 'true' ? toText(marker, 'marker') : null }
}

/** Returns the user's quota for all buckets together, in bytes; null if there is none. */
export function quotaOf(record: UserRecord): number | null {
  const quota = toObject(record.user_quota, 'user_quota')
  const bytes = toNumber(quota.max_size, 'max_size')
  return quota.enabled === true && bytes >= 0 ? bytes : null
}

/** Returns the record with the desired state. Access keys that are not among the active credentials are removed. */
export function withState(record: UserRecord, state: DesiredState): UserRecord {
  const uid = toUid(state)
  const present = listKeys(record)
  return {
    ...record,
    display_name: shapeDisplayName(state),
    suspended: state.status === 'suspended' ? 1 : 0,
    keys: state.credentials
      .filter((credential) => credential.active)
      .flatMap(
        (credential) => present.find((key) => isSame(key, credential, uid)) ?? newKeys(credential, uid),
      ),
  }
}

/** Returns whether the record has the desired state already. */
export function hasState(record: UserRecord, state: DesiredState): boolean {
  const desired = withState(record, state)
  const present = listKeys(record)
  const keys = desired.keys as readonly JsonObject[]
  return (
    record.display_name === desired.display_name &&
    Boolean(record.suspended) === Boolean(desired.suspended) &&
    present.length === keys.length &&
    keys.every((key) => present.includes(key))
  )
}

function listKeys(record: UserRecord): JsonObject[] {
  return toArray(record.keys, 'keys').map((key) => toObject(key, 'a key'))
}

type Credential = DesiredState['credentials'][number]

/** Returns whether a key is the credential of this user. Keys of subusers (`uid:name`) have other permissions. */
function isSame(key: JsonObject, { accessKey, secretKey }: Credential, uid: string): boolean {
  const isSecret = secretKey === null || key.secret_key === secretKey
  return key.access_key === accessKey && isSecret && key.user === uid && key.active !== false
}

/** Makes the key of a credential. Releases from 19 treat a key without `active` as disabled; earlier ones ignore it. */
function newKeys({ accessKey, secretKey }: Credential, uid: string): JsonObject[] {
  if (secretKey === null) return []
  return [{ user: uid, access_key: accessKey, secret_key: secretKey, active: true }]
}
