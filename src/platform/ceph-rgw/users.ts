import type { OwnerForm } from '../../model/accounts.ts'
import type { DesiredState, IdPage, PlatformAccount } from '../platform.ts'
import { badResponse, PlatformError } from '../platform.ts'
import { type JsonObject, toArray, toNumber, toObject, toText } from './json.ts'

/** The canonical ids of Ceph RGW: `tenant$user`. Neither part may hold a `$`. */
export const CEPH_RGW_OWNER_FORM: OwnerForm = {
  toCanonicalId: ({ tenantId, userId }) => `${tenantId}$${userId}`,
  fromCanonicalId(canonicalId) {
    const [tenantId, userId, ...more] = canonicalId.split('$')
    return tenantId && userId && more.length === 0 ? { tenantId, userId } : undefined
  },
}

/** The user that Ceph RGW uses for S3 requests without an access key, for example to public buckets. */
export const CEPH_RGW_ANONYMOUS_USER = { id: 'anonymous', name: 'anonymous' } as const

/**
 * Returns the uid of an account: `tenant$user`.
 * @throws {PlatformError} for an id with a second `$` or an empty part, which RGW would take for another user's id
 */
export function toUid({ canonicalUserId }: { readonly canonicalUserId: string }): string {
  if (/^\w+\$[^$]+$/.test(canonicalUserId)) return canonicalUserId
  throw new PlatformError(`'${canonicalUserId}' cannot be the uid of a Ceph RGW user: it must be tenant$user`)
}

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

/** Returns the body of PUT /admin/metadata/user. */
export function toMetadata(record: UserRecord, uid: string): JsonObject {
  return { key: `user:${uid}`, data: record }
}

/** Returns the members of a record that say a user's name and status. */
function toNameAndStatus(state: DesiredState): JsonObject {
  return { display_name: shapeDisplayName(state), suspended: state.status === 'suspended' ? 1 : 0 }
}

type Credential = DesiredState['credentials'][number]

/** Makes the key of a credential. Releases from 19 treat a key without `active` as disabled; earlier ones ignore it. */
function newKeys({ accessKey, secretKey }: Credential, uid: string): JsonObject[] {
  if (secretKey === null) return []
  return [{ user: uid, access_key: accessKey, secret_key: secretKey, active: true }]
}

/** How long a template is used. If the operator changes a default, it applies to new users after this time. */
const GOOD_FOR_MS = 60_000

/**
 * The record that the gateway makes for a new user, with its defaults for quotas, the number of buckets and placement.
 * With this record Usher can write a new user in one call. No call returns the defaults, so the record is taken from a
 * user that the gateway has just created and that has not been changed since.
 */
export class NewUserTemplate {
  #createdUid: string | undefined
  #record: UserRecord | undefined
  #learntAt = 0

  /** Returns a new user's record with the desired state; undefined if the gateway must create the user first. */
  fill(state: DesiredState): UserRecord | undefined {
    if (performance.now() - this.#learntAt > GOOD_FOR_MS) this.#record = undefined
    if (!this.#record) return undefined
    const uid = toUid(state)
    const keys = state.credentials.filter(({ active }) => active).flatMap((one) => newKeys(one, uid))
    return { ...this.#record, user_id: uid, ...toNameAndStatus(state), keys }
  }

  /** Notes that the gateway has just created this user, without access keys. */
  noteCreated(uid: string): void {
    this.#createdUid = uid
  }

  /**
   * Takes the template from a user that has just been created. Ignores other users.
   * @param body the response to GET /admin/metadata/user for the uid
   */
  learn(body: unknown, uid: string): void {
    if (this.#createdUid !== uid) return
    this.#createdUid = undefined
    const record = fromMetadata(body, uid)
    if (!isFirstVersion(body) || !holdsOnlyDefaults(record)) return
    this.#record = record
    this.#learntAt = performance.now()
  }
}

/** Returns whether a user was never changed: every write of a user increments the version of its record. */
function isFirstVersion(body: unknown): boolean {
  const { ver } = toObject(body, 'metadata')
  return toObject(ver ?? {}, 'ver').ver === 1
}

/** Members of a record that belong to one user; `fill` sets them. */
const OWN = ['user_id', 'display_name', 'suspended', 'keys']
/** Members that hold defaults of the gateway, in RGW 16.2. */
const DEFAULTS = [
  ...['max_buckets', 'op_mask', 'default_placement', 'default_storage_class', 'placement_tags'],
  ...['bucket_quota', 'user_quota', 'type'],
]

/** Returns whether a record can serve as a template. An unknown member that is not empty may belong to one user. */
function holdsOnlyDefaults(record: UserRecord): boolean {
  return Object.entries(record).every(
    ([name, value]) => OWN.includes(name) || DEFAULTS.includes(name) || isEmpty(value),
  )
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0)
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

/**
 * Returns the record of a user with the desired state. Access keys that are not among the active credentials are
 * removed.
 */
export function withState(record: UserRecord, state: DesiredState): UserRecord {
  const uid = toUid(state)
  const present = listKeys(record)
  const keys = state.credentials
    .filter(({ active }) => active)
    .flatMap((one) => present.find((key) => isSame(key, one, uid)) ?? newKeys(one, uid))
  return { ...record, ...toNameAndStatus(state), keys }
}

function listKeys(record: UserRecord): JsonObject[] {
  return toArray(record.keys, 'keys').map((key) => toObject(key, 'a key'))
}

/** Returns whether a key is the credential of this user. Keys of subusers (`uid:name`) have other permissions. */
function isSame(key: JsonObject, { accessKey, secretKey }: Credential, uid: string): boolean {
  const isSecret = secretKey === null || key.secret_key === secretKey
  return key.access_key === accessKey && isSecret && key.user === uid && key.active !== false
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
