import type { Issue } from './error.ts'
import { foldOptionalId, isUuid, UUID_MESSAGE } from './ids.ts'
import { checkNewUser } from './users.ts'

/**
 * One row of an import or of a bulk call: a person, found by their e-mail. A member that is undefined stays as it is;
 * for a new person it is empty.
 */
export interface PersonRow {
  /** The line on which the row begins, from 1. */
  readonly line: number
  readonly email: string
  readonly firstName: string | null | undefined
  readonly lastName: string | null | undefined
  /** Names or ids of groups. */
  readonly groups: readonly string[] | undefined
  readonly id: string | undefined
  /** The organization that the row names. */
  readonly organizationId: string | undefined
  /** Everything that is wrong with the row. A row with any issue changes nothing. */
  readonly issues: readonly Issue[]
}

/** The names of a row's members, in the order in which an export writes them. */
export const ROW_MEMBERS = ['firstName', 'lastName', 'email', 'groups', 'id', 'customerId'] as const
export type RowMember = (typeof ROW_MEMBERS)[number]

/** The most groups of one row, as in the partner portal. */
const MAX_GROUPS = 32

/** Makes a row that is only wrong: its line could not be read. */
export function newUnreadableRow(line: number, message: string): PersonRow {
  return toRow(line, {}, [{ path: 'row', rule: 'readable', message }])
}

type Texts = { readonly [Member in RowMember]?: string | undefined }

/**
 * Makes a row from texts, as a CSV file has them: an empty text is null or none, groups have a bar between them.
 * @param texts the members that the file has
 */
export function toTextRow(line: number, texts: Texts): PersonRow {
  const { groups, id, customerId } = texts
  return toRow(line, {
    email: texts.email || undefined,
    firstName: texts.firstName === undefined ? undefined : texts.firstName || null,
    lastName: texts.lastName === undefined ? undefined : texts.lastName || null,
    groups: groups
      ?.split('|')
      .map((group) => group.trim())
      .filter((group) => group !== ''),
    id: id || undefined,
    organizationId: customerId || undefined,
  })
}

/**
 * Makes a row from a JSON value, with the members of the partner portal's user: `groups` are names, ids, or objects
 * with one of them. Unknown members are ignored.
 */
export function toJsonRow(line: number, value: unknown): PersonRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return newUnreadableRow(line, 'must be a JSON object')
  const json = value as Readonly<Record<string, unknown>>
  const issues: Issue[] = []
  const readText = (name: string): string | null | undefined => {
    const text = json[name]
    if (text === undefined || text === null || typeof text === 'string') return text
    issues.push({ path: name, rule: 'type', message: 'must be a string or null' })
    return undefined
  }
  const [firstName, lastName] = [readText('firstName'), readText('lastName')]
  const [email, id, organizationId] = [readText('email'), readText('id'), readText('customerId')]
  const groups = readGroups(json.groups, issues)
  return toRow(
    line,
    {
      email: email ?? undefined,
      firstName,
      lastName,
      groups,
      id: id || undefined,
      organizationId: organizationId || undefined,
    },
    issues,
  )
}

function readGroups(value: unknown, issues: Issue[]): string[] | undefined {
  if (value === undefined) return undefined
  if (value === null) return []
  if (!Array.isArray(value)) {
    issues.push({ path: 'groups', rule: 'type', message: 'must be an array or null' })
    return undefined
  }
  return value.map((one: unknown, i) => {
    const { id, name } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>
    const group = typeof one === 'string' ? one : (id ?? name)
    if (typeof group === 'string') return group
    issues.push({
      path: `groups[${i}]`,
      rule: 'type',
      message: 'must be a name, an id, or an object with an id',
    })
    return ''
  })
}

type Members = { readonly [Name in keyof Omit<PersonRow, 'line' | 'issues'>]?: PersonRow[Name] | undefined }

/** Folds the ids, and checks the row by the rules that hold for every new user. */
function toRow(line: number, members: Members, found: readonly Issue[] = []): PersonRow {
  const { email = '', firstName, lastName, groups } = members
  const id = foldOptionalId(members.id)
  const organizationId = foldOptionalId(members.organizationId)
  const row = { line, email, firstName, lastName, groups, id, organizationId, issues: found }
  if (found.some(({ path }) => path === 'row')) return row
  const issues = checkRow(row, found)
  return issues.length > 0 ? { ...row, issues: [...found, ...issues] } : row
}

function checkRow(row: Omit<PersonRow, 'issues'>, found: readonly Issue[]): Issue[] {
  const { email, firstName = null, lastName = null, id, groups = [], organizationId } = row
  const issues = checkNewUser({ id, firstName, lastName, email: email === '' ? null : email, groupIds: [] })
  if (email === '' && !found.some(({ path }) => path === 'email'))
    issues.push({ path: 'email', rule: 'required', message: 'must not be empty' })
  if (organizationId !== undefined && !isUuid(organizationId))
    issues.push({ path: 'customerId', rule: 'uuid', message: UUID_MESSAGE })
  if (groups.length > MAX_GROUPS)
    issues.push({
      path: 'groups',
      rule: 'maxItems',
      params: { max: MAX_GROUPS },
      message: `must have at most ${MAX_GROUPS} items`,
    })
  return issues
}
