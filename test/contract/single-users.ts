import assert from 'node:assert/strict'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { callPortal, create, idOf, newEmail, newUser, type PortalCall } from './portal.ts'
import type { Target } from './target.ts'
import type { ListItem } from './user-lists.ts'

/** A user as the portal returns one alone. */
export interface UserView extends Omit<ListItem, 'deletedAt'> {
  readonly accounts: readonly object[]
}

export type Verb = 'suspend' | 'resume' | 'restore'

/** The calls about one user, who is named by an id, an e-mail, or one of them with a query. */
export interface SingleUsers {
  get(user: string, call?: PortalCall): Promise<HttpResponse>
  patch(user: string, body: unknown, call?: PortalCall): Promise<HttpResponse>
  remove(user: string, call?: PortalCall): Promise<HttpResponse>
  act(id: string, verb: Verb, call?: PortalCall): Promise<HttpResponse>
  /** Returns a user as they are read, which must succeed. */
  read(user: string, call?: PortalCall): Promise<UserView>
  /** Creates a user of the target's customer; returns their id, and an e-mail that no other user has. */
  add(members?: Readonly<Record<string, unknown>>): Promise<{ id: string; email: string }>
}

export function singleUsersOf(target: Target): SingleUsers {
  const get: SingleUsers['get'] = (user, call) => callPortal(target, 'GET', `/users/${user}`, call)
  return {
    get,
    patch: (user, body, call) => callPortal(target, 'PATCH', `/users/${user}`, { body, ...call }),
    remove: (user, call) => callPortal(target, 'DELETE', `/users/${user}`, call),
    act: (id, verb, call) => callPortal(target, 'POST', `/users/${id}/${verb}`, call),
    async read(user, call) {
      const response = await get(user, call)
      assert.equal(response.status, 200, response.text)
      return jsonOf<UserView>(response)
    },
    async add(members) {
      const email = newEmail()
      return { id: idOf(await create(target, newUser({ email, ...members }))), email }
    },
  }
}

/** Asserts a 204 without a body; returns the ETag. */
export function changed(response: HttpResponse): string {
  assert.deepEqual([response.status, response.text], [204, ''])
  assert.equal(response.headers['content-type'], undefined)
  return String(response.headers.etag)
}
