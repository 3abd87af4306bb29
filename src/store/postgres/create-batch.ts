import type pg from 'pg'
import { formatCaller } from '../../model/context.ts'
import { StoreError, type StoreEvents, type WholeUser } from '../port.ts'
import { isOfOneRow, isRetryable, toQueryError, toStoreError } from './errors.ts'

/** The most users that share one statement. */
const MAX_TOGETHER = 256
/** While one statement commits, the next one is worked off. */
const AT_ONCE = 2
const MAX_TRIES = 5
const WAIT_MS = 5_000

interface Waiting {
  readonly user: WholeUser
  readonly since: number
  resolve(inserted: boolean): void
  reject(reason: unknown): void
}

/**
 * Users that are created at the same moment, written by one statement and one commit: it costs PostgreSQL a fifth of
 * a transaction for each of them. A user that cannot be inserted does not hinder its neighbours.
 */
export class CreateBatch {
  readonly #pool: pg.Pool
  readonly #events: StoreEvents
  readonly #queue: Waiting[] = []
  #running = 0
  #expiry: NodeJS.Timeout | null = null

  constructor(pool: pg.Pool, events: StoreEvents) {
    this.#pool = pool
    this.#events = events
  }

  /**
   * @returns whether the user was inserted; if so it is on disk
   * @throws {ConstraintError | StoreError}
   */
  add(user: WholeUser): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ user, since: Date.now(), resolve, reject })
      this.#expiry ??= setTimeout(() => this.#refuseLate(), WAIT_MS)
      if (this.#running < AT_ONCE) void this.#work()
    })
  }

  /** Waits until the I/O of this turn has been handled, so that requests that arrived together are written together. */
  async #work(): Promise<void> {
    this.#running++
    do {
      await new Promise(setImmediate)
      const waiting = this.#queue.splice(0, MAX_TOGETHER)
      // In one order everywhere, so that two statements that meet do not wait for each other in a circle.
      waiting.sort((one, other) => compare(one.user, other.user))
      if (waiting.length > 0) await this.#insertTogether(waiting)
    } while (this.#queue.length > 0)
    this.#running--
  }

  /** Nobody waits longer for his turn than for a connection, however long the database is silent. */
  #refuseLate(): void {
    this.#expiry = null
    const limit = Date.now() - WAIT_MS
    while (this.#queue[0] && this.#queue[0].since <= limit)
      this.#queue.shift()?.reject(new StoreError('busy', 'the database does not keep up with the creates'))
    if (this.#queue[0]) this.#expiry = setTimeout(() => this.#refuseLate(), this.#queue[0].since - limit)
  }

  async #insertTogether(waiting: readonly Waiting[]): Promise<void> {
    try {
      const inserted = await this.#insert(waiting)
      for (const [i, one] of waiting.entries()) one.resolve(inserted.has(i))
    } catch (error) {
      // One of them has been refused, or waits for somebody else, and nothing was written: who it is shows when each
      // is tried alone.
      if (waiting.length > 1 && isOfOneRow(error))
        await Promise.all(waiting.map((one) => this.#insertTogether([one])))
      else for (const one of waiting) one.reject(error)
    }
  }

  /** Answers the places of those that were inserted. */
  async #insert(waiting: readonly Waiting[]): Promise<ReadonlySet<number>> {
    for (let tries = 1; ; tries++) {
      try {
        const { rows } = await this.#pool.query(insertUsers(waiting.map(({ user }) => user)))
        if (rows.length > 0) this.#events.committed(rows.length)
        return new Set(rows.map((row: { place: number }) => row.place - 1))
      } catch (error) {
        if (!isRetryable(error)) throw toQueryError(error)
        if (tries === MAX_TRIES) throw toStoreError(error)
      }
    }
  }
}

function compare(one: WholeUser, other: WholeUser): number {
  const organizations = one.user.organizationPk - other.user.organizationPk
  if (organizations !== 0) return organizations
  return (one.emailKey ?? '') < (other.emailKey ?? '') ? -1 : 1
}

// Keys are drawn first, since they alone tell which of the rows were inserted: ids may be repeated. OFFSET 0 keeps the
// look for another user a look-up in its index per row, whatever the planner thinks of a table that it has not seen. One
// who is alive is looked for too: if he is being deleted, the index alone would wait, let the row in, and nobody would
// be brought back.
const INSERT_USERS = `
with given as materialized (
  select nextval((select pg_get_serial_sequence('users', 'pk')::regclass)) as pk, *
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::text[], $20::text[], $21::text[])
    with ordinality as given (id, organization_pk, reseller_pk, first_name, last_name, email, email_key, now,
    group_pks, entry_id, at, operation, status, outcome, caller, portal, organization, target, correlation_id,
    changed_fields, changes, place)
), inserted as (
  insert into users (pk, id, organization_pk, reseller_pk, first_name, last_name, email, email_key, created_at, updated_at)
  select pk, id, organization_pk, reseller_pk, first_name, last_name, email, email_key, now, now from given
  where not exists (
    select 1 from users as deleted
    where deleted.organization_pk = given.organization_pk and deleted.email_key = given.email_key
      and deleted.deleted_at is not null
    offset 0)
  and not exists (
    select 1 from users as alive
    where alive.organization_pk = given.organization_pk and alive.email_key = given.email_key
      and alive.deleted_at is null
    offset 0)
  on conflict do nothing
  returning pk
), joined as (
  insert into memberships (user_pk, group_pk)
  select pk, unnest(group_pks::bigint[]) from inserted join given using (pk)
), audited as (
  insert into audit_entries
    (id, at, operation, status, outcome, caller, portal, organization, target, correlation_id, changed_fields,
     changes)
  select entry_id, at, operation, status, outcome, caller, portal, organization, target, correlation_id, changed_fields,
    changes
  from inserted join given using (pk) order by place
)
select place from inserted join given using (pk)`

/**
 * The statement that inserts users, each with its memberships and audit entry, or not at all: when its id or e-mail is
 * taken, or a deleted user has the e-mail. It answers a row with the place (from 1) of each that was inserted.
 */
export function insertUsers(users: readonly WholeUser[]): pg.QueryConfig {
  const column = (of: (one: WholeUser) => unknown): unknown[] => users.map(of)
  return {
    name: 'usher_insert_users',
    text: INSERT_USERS,
    values: [
      column(({ user }) => user.id),
      column(({ user }) => user.organizationPk),
      column(({ user }) => user.resellerPk),
      column(({ user }) => user.firstName),
      column(({ user }) => user.lastName),
      column(({ user }) => user.email),
      column(({ emailKey }) => emailKey),
      column(({ user }) => user.now),
      column(({ groups }) => `{${groups.map((group) => group.pk).join()}}`),
      column(({ entry }) => entry.id),
      column(({ entry }) => entry.at),
      column(({ entry }) => entry.operation),
      column(({ entry }) => entry.status),
      column(({ entry }) => entry.outcome),
      column(({ entry }) => formatCaller(entry.caller)),
      column(({ entry }) => entry.portal),
      column(({ entry }) => entry.organization),
      column(({ entry }) => entry.target),
      column(({ entry }) => entry.correlationId),
      column(({ entry }) => JSON.stringify(entry.changedFields)),
      column(({ entry }) => entry.changes && JSON.stringify(entry.changes)),
    ],
  }
}
