import { toObject } from './json.ts'
import { fromMetadata, type UserRecord } from './user-record.ts'

/** How soon a default that the operator changes holds for every new user. */
const GOOD_FOR_MS = 60_000

/** Members of which a user of its own has none, and which `withAccount` writes, in RGW 16.2. */
const OWN = ['user_id', 'display_name', 'suspended', 'keys']
const DEFAULTS = [
  ...['max_buckets', 'op_mask', 'default_placement', 'default_storage_class', 'placement_tags'],
  ...['bucket_quota', 'user_quota', 'type'],
]

/**
 * What the gateway itself makes of a new user: its defaults for quotas, the number of buckets, placement. Remembered
 * for a short time, so that the users that follow are written whole, in one call. Only the gateway knows its defaults,
 * and no call tells them; so they are taken from a user that it has just made and nobody has touched since.
 */
export class NewUsers {
  #made: string | undefined
  #record: UserRecord | undefined
  #learnt = 0

  /** The record of a new user without name and keys; undefined when the gateway has to make one first. */
  find(uid: string): UserRecord | undefined {
    const age = Date.now() - this.#learnt
    // A clock that is set back must not keep a record for longer.
    if (age < 0 || age > GOOD_FOR_MS) this.#record = undefined
    return this.#record && { ...this.#record, user_id: uid }
  }

  /** The gateway has just made this user, without keys, and said so. */
  made(uid: string): void {
    this.#made = uid
  }

  /** @param body what GET /admin/metadata/user answered about the uid; of use when that user has just been made */
  seen(body: unknown, uid: string): void {
    if (this.#made !== uid) return
    this.#made = undefined
    const record = fromMetadata(body, uid)
    if (!isFirstVersion(body) || !holdsDefaultsAlone(record)) return
    this.#record = record
    this.#learnt = Date.now()
  }
}

/** Every write of a user raises the version of its record. */
function isFirstVersion(body: unknown): boolean {
  const { ver } = toObject(body, 'metadata')
  return toObject(ver ?? {}, 'ver').ver === 1
}

/** Whether nothing in it belongs to one user. A member that is not known here, and not empty, may do. */
function holdsDefaultsAlone(record: UserRecord): boolean {
  return Object.entries(record).every(
    ([name, value]) => OWN.includes(name) || DEFAULTS.includes(name) || isEmpty(value),
  )
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0)
}
