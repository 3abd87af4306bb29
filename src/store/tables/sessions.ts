import { type Selectable, sql } from 'kysely'
import type { Session, SignInMethod } from '../../model/sessions.ts'
import type { Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'

function toSession(row: Selectable<Tables['sessions']>): Session {
  const { issuer, subject } = row
  return {
    pk: row.pk,
    id: row.id,
    userPk: row.user_pk,
    method: row.method,
    identity: issuer === null || subject === null ? null : { issuer, subject },
    address: row.address,
    agent: row.agent,
    createdAt: row.created_at,
    seenAt: row.seen_at,
    expiresAt: row.expires_at,
  }
}

interface NewSession {
  readonly id: string
  readonly hash: string
  readonly user: number
  readonly method: SignInMethod
  readonly issuer: string | null
  readonly subject: string | null
  readonly address: string | null
  readonly agent: string | null
  readonly now: string
  readonly expiresAt: string
}

const insert = statement((db, p: NewSession) =>
  db.insertInto('sessions').values({
    id: p.id,
    token_hash: p.hash,
    user_pk: p.user,
    method: p.method,
    issuer: p.issuer,
    subject: p.subject,
    address: p.address,
    agent: p.agent,
    created_at: p.now,
    seen_at: p.now,
    expires_at: p.expiresAt,
  }),
)

/** Inserts a session. `hash` is the SHA-256 of its token. */
export async function insertSession(tx: Tx, session: NewSession): Promise<void> {
  await tx.run(insert, session)
}

const selectByHash = statement((db, p: { hash: string }) =>
  db.selectFrom('sessions').selectAll().where('token_hash', '=', p.hash),
)

/** Returns the session with this hash of its token, expired or not. */
export async function selectSessionByHash(tx: Tx, hash: string): Promise<Session | undefined> {
  const row = await tx.get(selectByHash, { hash })
  return row && toSession(row)
}

const selectById = statement((db, p: { id: string }) =>
  db.selectFrom('sessions').selectAll().where('id', '=', p.id),
)

/** Returns the session with this id, expired or not. */
export async function selectSession(tx: Tx, id: string): Promise<Session | undefined> {
  const row = await tx.get(selectById, { id })
  return row && toSession(row)
}

/** Sessions that are neither expired nor idle for too long. */
export interface LiveAt {
  readonly now: string
  /** Sessions that were last used before have ended. */
  readonly idleSince: string
}

const selectLiveOf = statement((db, p: LiveAt & { user: number }) =>
  db
    .selectFrom('sessions')
    .selectAll()
    .where('user_pk', '=', p.user)
    .where('expires_at', '>', p.now)
    .where('seen_at', '>', p.idleSince)
    .orderBy('pk', 'desc'),
)

/** Returns the live sessions of a user, newest first. */
export async function selectSessionsOf(tx: Tx, user: number, at: LiveAt): Promise<Session[]> {
  return (await tx.all(selectLiveOf, { user, ...at })).map(toSession)
}

const selectLive = statement((db, p: LiveAt & { limit: number }) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.pk', 'sessions.user_pk')
    .selectAll('sessions')
    .select(['users.id as userId', 'users.email'])
    .where('sessions.expires_at', '>', p.now)
    .where('sessions.seen_at', '>', p.idleSince)
    .orderBy('sessions.pk', 'desc')
    .limit(p.limit),
)

/** A session with the person whose it is. */
export interface OwnedSession extends Session {
  readonly userId: string
  readonly email: string | null
}

/** Returns the live sessions of all people, newest first. */
export async function selectSessions(tx: Tx, at: LiveAt & { limit: number }): Promise<OwnedSession[]> {
  const rows = await tx.all(selectLive, at)
  return rows.map(({ userId, email, ...row }) => ({ ...toSession(row), userId, email }))
}

const touch = statement((db, p: { pk: number; now: string }) =>
  db.updateTable('sessions').set({ seen_at: p.now }).where('pk', '=', p.pk).where('seen_at', '<', p.now),
)

/** Records when a session was used. */
export async function markSessionSeen(tx: Tx, pk: number, now: string): Promise<void> {
  await tx.run(touch, { pk, now })
}

const deleteByPk = statement((db, p: { pk: number }) => db.deleteFrom('sessions').where('pk', '=', p.pk))

/** Deletes a session. Returns false if it had ended before. */
export async function deleteSession(tx: Tx, pk: number): Promise<boolean> {
  return (await tx.run(deleteByPk, { pk })) === 1
}

const deleteOfUser = statement((db, p: { user: number }) =>
  db.deleteFrom('sessions').where('user_pk', '=', p.user),
)

/** Deletes all sessions of a user. Returns how many. */
export async function deleteSessionsOf(tx: Tx, user: number): Promise<number> {
  return tx.run(deleteOfUser, { user })
}

const deleteOlder = statement((db, p: { user: number; keep: number }) =>
  db
    .deleteFrom('sessions')
    .where('user_pk', '=', p.user)
    .where('pk', '<=', (eb) =>
      eb
        .selectFrom('sessions')
        .select('pk')
        .where('user_pk', '=', p.user)
        .orderBy('pk', 'desc')
        .limit(sql.lit(1))
        .offset(p.keep),
    ),
)

/** Deletes the sessions of a user but the newest `keep`. */
export async function deleteOldestSessions(tx: Tx, user: number, keep: number): Promise<void> {
  await tx.run(deleteOlder, { user, keep })
}

const deleteEnded = statement((db, p: LiveAt) =>
  db
    .deleteFrom('sessions')
    .where((eb) => eb.or([eb('expires_at', '<=', p.now), eb('seen_at', '<=', p.idleSince)])),
)

/** Deletes the sessions that have expired, or were not used for too long. */
export async function deleteEndedSessions(tx: Tx, at: LiveAt): Promise<void> {
  await tx.run(deleteEnded, at)
}

const deleteAll = statement((db) => db.deleteFrom('sessions'))

/** Deletes all sessions. */
export async function deleteAllSessions(tx: Tx): Promise<void> {
  await tx.run(deleteAll, {})
}
