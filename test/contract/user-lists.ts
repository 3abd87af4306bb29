import assert from 'node:assert/strict'
import { jsonOf } from '../../testing/http.ts'
import { callPortal, type PortalCall } from './portal.ts'
import type { Reachable } from './target.ts'

/** A user as lists return them. */
export interface ListItem {
  readonly id: string
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
  readonly role: { readonly name: string }
  readonly groups: readonly { readonly id: string; readonly name: string }[]
  readonly customerId: string | null
  readonly resellerId: string | null
  readonly active: boolean
  readonly createdAt: string
  readonly updatedAt: string
  readonly deletedAt?: string
}

export interface Page<Item = ListItem> {
  readonly items: readonly Item[]
  readonly paginationParameters: { readonly pageNumber: number; readonly pageSize: number }
  readonly totalPages: number
  readonly totalCount: number
  readonly hasPreviousPage: boolean
  readonly hasNextPage: boolean
  readonly continuationToken: string | null
}

/** Calls the lists of a target; each asserts that the call succeeds. */
export function portalLists(target: Reachable) {
  const list = async (query: string, { path = '', ...call }: PortalCall & { path?: string } = {}) => {
    const response = await callPortal(target, 'GET', `${path}${query}`, call)
    assert.equal(response.status, 200, response.text)
    return jsonOf<Page>(response)
  }
  return {
    list,
    /** Returns the items of all pages of a query, which begins with a question mark or is empty. */
    async listAll(query: string): Promise<ListItem[]> {
      const items: ListItem[] = []
      for (let pageNumber = 1; ; pageNumber++) {
        const page = await list(`${query || '?'}&pageNumber=${pageNumber}&pageSize=2000`)
        items.push(...page.items)
        if (!page.hasNextPage) return items
      }
    },
    /** Returns the users of a customer. */
    async listOf(customer: string, { query = '', ...call }: PortalCall & { query?: string } = {}) {
      const response = await callPortal(target, 'GET', `/customer/${customer}/users${query}`, call)
      assert.equal(response.status, 200, response.text)
      return jsonOf<readonly ListItem[]>(response)
    },
  }
}
