import { type ChangeCursor, fromChangeToken, newChangeCursor, toChangeToken } from '../model/change-tokens.ts'
import type { Context } from '../model/context.ts'
import { toInvalid } from '../model/error.ts'
import type { ListedUser } from '../model/user-lists.ts'
import type { Tx, UserArea } from '../store/port.ts'
import { selectChangesAfter, type UserChange } from '../store/users/changed-users.ts'
import { selectListedUsers } from '../store/users/listed-users.ts'
import { selectOrganizationsBeingDeleted } from '../store/users/user-sql.ts'
import type { Directory } from './directory.ts'
import { getUserArea } from './reach.ts'
import { SealError } from './sealing/sealer.ts'
import { runRead } from './unit.ts'

/**
 * How long the commit of a change may follow its time, the differences of the clocks of several processes included. A
 * sweep over the changes begins this much before the last one, so that it finds what was committed late.
 */
const LATE_MS = 60_000
/** The most changes that a token remembers, so that it fits a URL. Changes beyond are returned again. */
const MAX_REMEMBERED = 200
/** The most changes that one call of a reseller looks at: it may have few of the provider's users. */
const MAX_READ = 5_000

/** A part of the changes. */
export interface ChangedUsers {
  readonly items: readonly ListedUser[]
  /** Whether there are more changes now. */
  readonly more: boolean
  /** Continues after these changes, now or later. */
  readonly token: string
}

/** Where to begin with reading changes: at a time (ISO 8601), or where an earlier call ended. */
export type ChangesFrom = { readonly since: string } | { readonly token: string }

/**
 * Lists the users who were created, changed or deleted, the oldest change first, each with their state of now. A call
 * with the token of the one before returns what has changed after that one. No change is missed, not even one that is
 * committed late. A change is returned again only if more than 200 users have changed within the minute before the
 * call.
 * @throws {DirectoryError} `not_permitted`, `invalid`, `reseller_not_found`, `reseller_not_own`, `store_unavailable`
 */
export function listChangedUsers(
  dir: Directory,
  ctx: Context,
  request: { from: ChangesFrom; resellerId?: string | undefined; limit: number },
): Promise<ChangedUsers> {
  const { from, resellerId, limit } = request
  return runRead(dir, ctx, 'ListUsers', async (scope) => {
    const cursor = toCursor(dir, ctx, from)
    // Users who are deleted with their customer are changes, too.
    const area = { ...(await getUserArea(scope, { resellerId })), ofDeleted: true }
    const late = new Date(dir.now().getTime() - LATE_MS).toISOString()
    const next = cursor.next ?? (late > cursor.from ? late : cursor.from)
    const changes = await readChanges(scope.tx, area, { cursor: { ...cursor, next }, limit })
    return { ...changes, token: dir.sealer.seal(toChangeToken(changes.cursor), identityOf(ctx)) }
  })
}

/** A cursor tells when users out of reach have changed, so callers get it sealed, each organization its own. */
function identityOf({ organization }: Context): string {
  return `changes:${organization.id}`
}

function toCursor({ sealer }: Directory, ctx: Context, from: ChangesFrom): ChangeCursor {
  try {
    const cursor =
      'token' in from
        ? fromChangeToken(sealer.open(from.token, identityOf(ctx)))
        : newChangeCursor(from.since)
    if (cursor) return cursor
  } catch (error) {
    if (!(error instanceof SealError)) throw error
  }
  const message = 'must be a token that an earlier call has returned'
  throw toInvalid([{ path: 'continuationToken', rule: 'token', message }])
}

async function readChanges(
  tx: Tx,
  area: UserArea,
  { cursor, limit }: { cursor: ChangeCursor & { next: string }; limit: number },
): Promise<Omit<ChangedUsers, 'token'> & { readonly cursor: ChangeCursor }> {
  const after = cursor.at ?? { at: cursor.from, pk: 0 }
  const beingDeleted = await selectOrganizationsBeingDeleted(tx, area.providerPk)
  // Few of the changes may be of a reseller's users; for a provider, each of them counts.
  const most = area.resellerPk === undefined ? limit + cursor.seen.size : MAX_READ
  const changes = await selectChangesAfter(tx, area, { after, limit: most + 1, beingDeleted })
  const returned = new Map(cursor.returned)
  const found: UserChange[] = []
  let last: UserChange | undefined
  let more = false
  for (const [i, change] of changes.entries()) {
    const isNew = change.isInArea && cursor.seen.get(change.pk) !== change.version
    more = i === most || (isNew && found.length === limit)
    if (more) break
    if (isNew) found.push(change)
    if (change.isInArea && change.at >= cursor.next && returned.size < MAX_REMEMBERED)
      returned.set(change.pk, change.version)
    last = change
  }
  const at = last ? { at: last.at, pk: last.pk } : cursor.at
  const next = more ? { ...cursor, at, returned } : { ...newChangeCursor(cursor.next), seen: returned }
  const users = await selectListedUsers(
    tx,
    found.map(({ pk }) => pk),
  )
  return { items: users, more, cursor: next }
}
