import { toObject } from './json.ts'
import { fromMetadata, type UserRecord } from './user-record.ts'

/** How long a template is used. If the operator changes a default, it applies to new users after this time. */
const GOOD_FOR_MS = 60_000

/** Members of a record that belong to one user; `withState` sets them. */
const OWN = ['user_id', 'display_name', 'suspended', 'keys']
/** Members that hold defaults of the gateway, in RGW 16.2. */
const DEFAULTS = [
  ...['max_buckets', 'op_mask', 'default_placement', 'default_storage_class', 'placement_tags'],
  ...['bucket_quota', 'user_quota', 'type'],
]

/**
 * The record that the gateway makes for a new user, with its defaults for quotas, the number of buckets and placement.
 * With this record Usher can write a new user in one call. No call returns the defaults, so the record is taken from a
 * user that the gateway has just created and that has not been changed since.
 */
export class NewUserTemplate {
  #createdUid: string | undefined
  #record: UserRecord | undefined
  #learntAt = 0

  /** Returns a new user's record without name and access keys; undefined if the gateway must create the user first. */
  find(uid: string): UserRecord | undefined {
    if (performance.now() - this.#learntAt > GOOD_FOR_MS) this.#record = undefined
    return this.#record && { ...this.#record, user_id: uid }
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

/** Returns whether a record can serve as a template. An unknown member that is not empty may belong to one user. */
function holdsOnlyDefaults(record: UserRecord): boolean {
  return Object.entries(record).every(
    ([name, value]) => OWN.includes(name) || DEFAULTS.includes(name) || isEmpty(value),
  )
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0)
}
