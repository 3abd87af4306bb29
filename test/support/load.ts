import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { CallResult, Creates } from '../../testing/creates.ts'
import { queryStore } from './stored.ts'

/** The creates that were sent, and the id in each response; undefined if the response was lost or a refusal. */
export interface Asked {
  readonly portal: Map<string, string | undefined>
  readonly osis: Map<string, string | undefined>
}

/** Checks a response: throws if it is wrong, and returns whether the load goes on. */
type See = (response: CallResult) => boolean

const CONNECTIONS = [0, 1, 2, 3]

/** How many users a bulk call of the load creates. */
const BULK = 40

/** How long a worker waits after a refusal: callers back off, and a loop of refusals would take the whole CPU. */
const BACK_OFF_MS = 100

/**
 * Creates new users through both APIs, over several connections, until `see` returns false. Pauses after refusals only.
 * @param name part of the names of the users, so that two loads create different ones
 */
export async function load(creates: Creates, asked: Asked, name: string | number, see: See): Promise<void> {
  const { ask, isOver } = newAsker(see)
  const portal = async (worker: number): Promise<void> => {
    for (let i = 0; !isOver(); i++) {
      const email = `${name}.${worker}.${i}@example.com`
      asked.portal.set(email, undefined)
      const { status, body } = await ask(() => creates.portal(email))
      if (status === 201) asked.portal.set(email, body as string)
    }
  }
  const osis = async (worker: number): Promise<void> => {
    for (let i = 0; !isOver(); i++) {
      const user = `${name}.${worker}.${i}`
      asked.osis.set(user, undefined)
      const { status, body } = await ask(() => creates.osis(user))
      if (status === 201) asked.osis.set(user, (body as { user_id: string }).user_id)
    }
  }
  await Promise.all(CONNECTIONS.flatMap((worker) => [portal(worker), osis(worker)]))
}

/** Creates new users by bulk calls, one after the other, until `see` returns false. The parameters are those of `load`. */
export async function loadInBulk(
  creates: Creates,
  asked: Asked,
  name: string | number,
  see: See,
): Promise<void> {
  const { ask, isOver } = newAsker(see)
  for (let call = 0; !isOver(); call++) {
    const emails = Array.from({ length: BULK }, (_, i) => `${name}.bulk.${call}.${i}@example.com`)
    for (const email of emails) asked.portal.set(email, undefined)
    const { body } = await ask(() => creates.bulk(emails))
    for (const [i, email] of emails.entries()) asked.portal.set(email, body[i])
  }
}

function newAsker(see: See): {
  ask<A extends CallResult>(call: () => Promise<A>): Promise<A>
  isOver(): boolean
} {
  let over = false
  return {
    async ask(call) {
      const response = await call()
      const goesOn = see(response)
      over ||= !goesOn
      if (response.status !== 201 && !over) await pause(BACK_OFF_MS)
      return response
    },
    isOver: () => over,
  }
}

/** Asserts that the store holds every user of a successful response, each once, and none half-made. */
export async function checkRows(dataDir: string, asked: Asked): Promise<void> {
  const users = await queryStore(
    dataDir,
    'SELECT u.id, u.email, a.org_user_id FROM users u LEFT JOIN accounts a ON a.user_pk = u.pk ORDER BY u.id',
  )
  const created = await queryStore(
    dataDir,
    "SELECT target FROM audit_entries WHERE outcome = 'created' AND operation IN ('CreateUser', 'CreateAccount') ORDER BY target",
  )
  const loose = await queryStore(
    dataDir,
    `SELECT u.id FROM users u
     LEFT JOIN accounts a ON a.user_pk = u.pk
     WHERE (SELECT count(*) FROM memberships m WHERE m.user_pk = u.pk) <> (CASE WHEN u.email IS NULL THEN 0 ELSE 1 END)
     OR (SELECT count(*) FROM credentials c WHERE c.account_pk = a.pk) <> (CASE WHEN u.email IS NULL THEN 1 ELSE 0 END)`,
  )
  assert.deepEqual(
    created.map((row) => row.target),
    users.map((row) => row.id),
    'users and the audit entries of their creation are not the same',
  )
  assert.deepEqual(loose, [], 'a user without its group or its one credential')
  const byEmail = new Map(users.filter((row) => row.email).map((row) => [row.email, row.id]))
  const byOrgUser = new Map(users.filter((row) => row.org_user_id).map((row) => [row.org_user_id, row.id]))
  assert.equal(byEmail.size + byOrgUser.size, users.length, 'a user is there twice')
  for (const [email, id] of asked.portal) if (id) assert.equal(byEmail.get(email), id, `${email} was lost`)
  for (const [user, id] of asked.osis) if (id) assert.equal(byOrgUser.get(user), id, `${user} was lost`)
}
