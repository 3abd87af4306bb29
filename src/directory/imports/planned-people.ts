import type { PersonRow } from '../../model/person-rows.ts'
import type { Group } from '../../model/users.ts'
import { DigestTable, digest } from './digest-table.ts'
import type { ExistingUser } from './merge-row.ts'
import type { ResolvedRow } from './resolve-rows.ts'

/** The members of a person that rows have, in the order of their digests. */
const MEMBERS = ['id', 'firstName', 'lastName', 'email', 'groups'] as const
type Member = (typeof MEMBERS)[number]

/** Remembers people and ids as the rows of a file would leave them, for a plan: rows may repeat. */
export class PlannedPeople {
  readonly #people = new DigestTable(MEMBERS.length)
  readonly #ids = new DigestTable(0)

  /** Remembers the id that a row gives to a new person. Returns whether no earlier row has given it. */
  addId(id: string): boolean {
    return this.#ids.add(id, [])
  }

  /** Remembers the person of a row that is not in conflict. */
  add(row: ResolvedRow, existing: ExistingUser | undefined): void {
    const texts = MEMBERS.map((member) => textOfRow(row, member) ?? textOfUser(existing, member))
    this.#people.add(keyOf(row), texts)
  }

  /**
   * Returns the members that a row would change of the person of an earlier row; undefined if there is none. A member
   * that the row does not have does not differ.
   */
  findDifferences(row: ResolvedRow): Member[] | undefined {
    const known = this.#people.get(keyOf(row))
    return (
      known &&
      MEMBERS.filter((member, i) => {
        const text = textOfRow(row, member)
        return text !== undefined && digest(text) !== known[i]
      })
    )
  }
}

function keyOf({ place, emailKey }: ResolvedRow): string {
  return `${place.organization.pk} ${emailKey}`
}

/** Returns what a row says about a member; undefined if it says nothing. An empty text and none are the same. */
function textOfRow({ row, groups }: ResolvedRow, member: Member): string | undefined {
  if (member === 'groups') return groups && joinGroups(groups)
  const value: PersonRow[typeof member] = row[member]
  return value === null ? '' : value
}

function textOfUser(existing: ExistingUser | undefined, member: Member): string {
  // A new person's id is in no row, so a later row with an id differs.
  if (!existing) return ''
  return member === 'groups' ? joinGroups(existing.groups) : (existing.user[member] ?? '')
}

function joinGroups(groups: readonly Group[]): string {
  const pks = groups.map(({ pk }) => pk)
  return pks.sort((one, other) => one - other).join()
}
