import { hash } from 'node:crypto'
import { toInvalid } from '../../model/error.ts'
import { isStorable } from '../../model/text.ts'
import { DEFAULT_LIMIT } from './contract/parts.ts'

/** The place of the last item of a page in the order of its list: the sort key, then the primary key. */
export type Position = readonly (string | number)[]

/** The query of a list, as `listQuery` declares it. */
export interface ListQuery {
  readonly after?: string
  readonly limit?: number
}

/**
 * Returns the `next` of a page.
 * @param last where the page ends; undefined on the last page
 * @param filters what the list is narrowed by, and whose it is: the token is good for the same filters alone
 */
export function toNext(last: Position | undefined, filters: object): string | null {
  return last === undefined
    ? null
    : Buffer.from(JSON.stringify([hashOf(filters), ...last])).toString('base64url')
}

/** The kinds of the members of a position. A number is a whole one from 0. */
type Shape = readonly ('number' | 'text')[]

/**
 * Reads where a page begins, and how many items it has. Anyone can make a token, so its members are checked.
 * @param filters as they were given to `toNext`
 * @param shape the kinds of the members that the positions of the list have
 * @returns `after` is undefined for the first page
 * @throws {DirectoryError} `invalid` if the token is not one of this list with these filters
 */
export function readPage(
  { after, limit = DEFAULT_LIMIT }: ListQuery,
  filters: object,
  shape: Shape,
): { readonly after: Position | undefined; readonly limit: number } {
  if (after === undefined) return { after: undefined, limit }
  const [hashed, ...position] = parse(after)
  const isOurs =
    hashed === hashOf(filters) &&
    position.length === shape.length &&
    position.every((value, i) => isPart(value, shape[i]))
  if (isOurs) return { after: position as Position, limit }
  const message = 'must be the `next` of a page of the same list, with the same filters'
  throw toInvalid([{ path: 'after', rule: 'token', message }])
}

function hashOf(filters: object): string {
  return hash('sha256', JSON.stringify(filters), 'base64url').slice(0, 16)
}

function parse(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

function isPart(value: unknown, kind: Shape[number] | undefined): boolean {
  if (kind === 'text') return typeof value === 'string' && isStorable(value)
  return Number.isSafeInteger(value) && Number(value) >= 0
}
