import { foldEmail } from '../../model/email.ts'
import { DirectoryError, type Issue } from '../../model/error.ts'
import { foldId } from '../../model/ids.ts'
import type { Organization, OrganizationKind } from '../../model/organizations.ts'
import type { PersonRow } from '../../model/person-rows.ts'
import { foldCase } from '../../model/text.ts'
import type { Group } from '../../model/users.ts'
import { getReachableOrganization, getReseller, type Scope } from '../reach.ts'

/** Where the rows of an import go. */
export interface ImportTarget {
  /** The organization of rows that name none; null if each row must name one. */
  readonly organizationId: string | null
  /** Whether rows may name no other organization. */
  readonly isOnly?: boolean
  /** Only organizations of this kind. */
  readonly kind?: OrganizationKind
  /** The reseller in whose context users are created. A calling reseller may leave out its own id. */
  readonly resellerId: string | null
}

/** An organization, and the reseller in whose context users are created in it. */
export interface Place {
  readonly organization: Organization
  readonly reseller: Organization | null
}

/** A row whose ids and names have been looked up. */
export interface ResolvedRow {
  readonly row: PersonRow
  readonly place: Place
  readonly emailKey: string
  /** Undefined if the row does not say. */
  readonly groups: readonly Group[] | undefined
}

/** A row that has issues, with all of them. */
export interface InvalidRow {
  readonly row: PersonRow
  readonly issues: readonly Issue[]
}

const OTHER_CUSTOMER: Issue = {
  path: 'customerId',
  rule: 'fixed',
  message: 'must be the customer of the call, or be left out',
}

/** Looks up the organizations and groups that rows name, each of them once. */
export class RowResolver {
  readonly #scope: Scope
  readonly #target: ImportTarget
  readonly #groups = new Map<string, Group>()
  readonly #places = new Map<string, Place | Issue>()

  /** @param groups the groups of the provider */
  constructor(scope: Scope, target: ImportTarget, groups: readonly Group[]) {
    this.#scope = scope
    this.#target = target
    for (const group of groups) {
      this.#groups.set(foldCase(group.name), group)
      this.#groups.set(group.id, group)
    }
  }

  /**
   * Resolves one row.
   * @throws {DirectoryError} what the look-up of the target's own organization and reseller throws
   */
  async resolve(row: PersonRow): Promise<ResolvedRow | InvalidRow> {
    const issues = [...row.issues]
    const groups = row.groups && this.#findGroups(row.groups, issues)
    const hasId = !row.issues.some(({ path }) => path === 'customerId' || path === 'row')
    const place = hasId ? await this.#findPlace(row.organizationId) : undefined
    if (place && 'rule' in place) issues.push(place)
    if (issues.length > 0 || !place || 'rule' in place) return { row, issues }
    return { row, place, emailKey: foldEmail(row.email), groups }
  }

  /** Returns the primary keys of the organizations that rows have named. */
  listOrganizations(): number[] {
    return [...this.#places.values()].flatMap((place) => ('rule' in place ? [] : [place.organization.pk]))
  }

  #findGroups(names: readonly string[], issues: Issue[]): Group[] {
    const found = new Set<Group>()
    for (const [i, name] of names.entries()) {
      const group = this.#groups.get(foldId(name)) ?? this.#groups.get(foldCase(name))
      if (group) found.add(group)
      // One that is no text has been reported already.
      else if (!issues.some(({ path }) => path === `groups[${i}]`))
        issues.push({
          path: `groups[${i}]`,
          rule: 'unknown',
          message: `is not a group: ${name.slice(0, 60)}`,
        })
    }
    return [...found]
  }

  async #findPlace(named: string | undefined): Promise<Place | Issue> {
    const { organizationId, isOnly } = this.#target
    const id = named ?? organizationId
    if (isOnly && id !== organizationId) return OTHER_CUSTOMER
    if (id === null) return { path: 'customerId', rule: 'required', message: 'must not be empty' }
    let place = this.#places.get(id)
    if (!place) {
      place = id === organizationId ? await this.#getPlace(id) : await this.#getPlaceOfRow(id)
      this.#places.set(id, place)
    }
    return place
  }

  async #getPlace(id: string): Promise<Place> {
    const { kind, resellerId } = this.#target
    const organization = await getReachableOrganization(this.#scope, { id, kind })
    // Only users of customers are in the context of a reseller.
    const customer = organization.kind === 'customer' ? organization : null
    const reseller = customer && (await getReseller(this.#scope, { id: resellerId ?? undefined, customer }))
    return { organization, reseller }
  }

  async #getPlaceOfRow(id: string): Promise<Place | Issue> {
    try {
      return await this.#getPlace(id)
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error
      const isUnrelated = error.code === 'reseller_not_related'
      const message = isUnrelated ? 'has no relation with the reseller' : 'is not the id of a customer'
      return { path: 'customerId', rule: 'unknown', message }
    }
  }
}

/**
 * Looks up what the target itself names, before any row.
 * @throws {DirectoryError} `customer_not_found`, `organization_not_found`, `reseller_not_found`, `reseller_not_own`,
 *   `reseller_not_related`
 */
export async function getTargetOrganization(scope: Scope, target: ImportTarget): Promise<Organization> {
  const { organizationId: id, kind, resellerId } = target
  const organization =
    id === null ? scope.ctx.organization : await getReachableOrganization(scope, { id, kind })
  const customer = id !== null && organization.kind === 'customer' ? { customer: organization } : {}
  await getReseller(scope, { id: resellerId ?? undefined, ...customer })
  return organization
}
