import type { Operation } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError, toInvalid } from '../model/error.ts'
import type { Organization } from '../model/organizations.ts'
import { insertRelation, lockOrganization } from '../store/tables/organizations.ts'
import { deleteRelation, lockRelation, selectRelation, updateContext } from '../store/tables/relations.ts'
import { type Directory, forgetCached } from './directory.ts'
import { getReachableOrganization } from './reach.ts'
import { runUnit, type Subject, type Unit } from './unit.ts'

/** How many users one statement moves: they take PostgreSQL a second, and it ends statements after ten. */
const MOVED_TOGETHER = 5_000

/** A customer and a reseller, by their ids. */
export interface RelationIds {
  readonly customerId: string
  readonly resellerId: string
}

/**
 * Relates a customer to a reseller, so that the reseller reaches the customer. Repeating the call only adds an audit
 * entry.
 * @param request.from moves the customer from this reseller: its relation ends, and its users go along in the same
 *   commit
 * @throws {DirectoryError} `not_permitted`, `invalid` if `from` is the same reseller, `customer_not_found`,
 *   `reseller_not_found`, `relation_not_found` if the customer has no relation to `from`, `store_unavailable`
 */
export async function relateOrganization(
  dir: Directory,
  ctx: Context,
  request: RelationIds & { from?: string | undefined },
): Promise<void> {
  await runUnit(dir, ctx, toSubject('RelateOrganization', request), async (unit) => {
    const { customer, reseller } = await getBoth(unit, request)
    const from = request.from === undefined ? undefined : await getFormer(unit, request.from, reseller)
    const ids = { customer: customer.pk, reseller: reseller.pk }
    const isNew = (await selectRelation(unit.tx, ids)) === undefined
    if (isNew) await insertRelation(unit.tx, customer.pk, { pk: reseller.pk, now: unit.now })
    if (from) await endRelation(unit, { customer, reseller: from }, reseller)
    if (isNew) await lockBoth(unit, request)
    const about = { organization: customer.id, target: reseller.id, reseller: reseller.id }
    const changes = isNew ? [{ name: 'resellers', before: [], after: [reseller.id] }] : []
    await unit.audit({ outcome: from ? 'moved' : isNew ? 'related' : 'repeated', ...about, changes })
  })
  forgetCached(dir)
}

/**
 * The unit sees the latest commits, not a snapshot: in a customer with many users and steady creates, no snapshot would
 * be new enough to end a relation.
 */
function toSubject(operation: Operation, { customerId, resellerId }: RelationIds): Subject {
  return { operation, organization: customerId, target: resellerId, reseller: resellerId, seesLatest: true }
}

/**
 * Locks a customer and a reseller that have a new relation, and refuses it if one of them was deleted meanwhile. A move
 * does so last: new customers of the reseller, and imports of users whom the move has locked, need the organizations.
 */
async function lockBoth(unit: Unit, ids: RelationIds): Promise<void> {
  const { customer, reseller } = await getBoth(unit, ids)
  for (const { pk } of [customer, reseller]) await lockOrganization(unit.tx, pk)
  await getBoth(unit, ids)
}

async function getBoth(
  unit: Unit,
  { customerId, resellerId }: RelationIds,
): Promise<{ customer: Organization; reseller: Organization }> {
  const customer = await getReachableOrganization(unit, { id: customerId, kind: 'customer' })
  return { customer, reseller: await getReachableOrganization(unit, { id: resellerId, kind: 'reseller' }) }
}

async function getFormer(unit: Unit, id: string, reseller: Organization): Promise<Organization> {
  const former = await getReachableOrganization(unit, { id, kind: 'reseller' })
  if (former.pk === reseller.pk)
    throw toInvalid([{ path: 'fromResellerId', rule: 'different', message: 'must be another reseller' }])
  return former
}

function notRelated(): DirectoryError {
  return new DirectoryError('relation_not_found', 'The customer has no relation with that reseller.')
}

/**
 * Ends the relation of a customer and a reseller, and writes an audit entry that this reseller sees.
 * @param to the reseller whose context the users of the relation move to; null for none
 * @throws {DirectoryError} `relation_not_found` if there is none, or another unit has ended it meanwhile
 */
async function endRelation(
  unit: Unit,
  { customer, reseller }: { customer: Organization; reseller: Organization },
  to: Organization | null,
): Promise<void> {
  const relation = { customer: customer.pk, reseller: reseller.pk }
  if (!(await selectRelation(unit.tx, relation))) throw notRelated()
  const change = { to: to?.pk ?? null, now: unit.now, limit: MOVED_TOGETHER }
  await updateContext(unit.tx, relation, change)
  // Creates in the relation wait only for the last users.
  if (!(await lockRelation(unit.tx, relation))) throw notRelated()
  // A statement changes fewer users than it has chosen if another unit takes some of them meanwhile.
  while ((await updateContext(unit.tx, relation, change)) > 0);
  await deleteRelation(unit.tx, relation)
  await unit.audit({
    ...({ operation: 'UnrelateOrganization', outcome: to ? 'moved' : 'unrelated' } as const),
    ...{ organization: customer.id, target: reseller.id, reseller: reseller.id },
    changes: [{ name: 'resellers', before: [reseller.id], after: [] }],
  })
}

/**
 * Ends the relation of a customer and a reseller. Its users are then in no context, and its internal identifier is
 * deleted.
 * @throws {DirectoryError} `not_permitted`, `customer_not_found`, `reseller_not_found`, `relation_not_found`,
 *   `store_unavailable`
 */
export async function unrelateOrganization(dir: Directory, ctx: Context, ids: RelationIds): Promise<void> {
  await runUnit(dir, ctx, toSubject('UnrelateOrganization', ids), async (unit) => {
    await endRelation(unit, await getBoth(unit, ids), null)
  })
  forgetCached(dir)
}
