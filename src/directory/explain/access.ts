import type { Operation } from '../../model/audit.ts'
import { CALLER_KINDS, type CallerKind, type Context, PERMISSIONS } from '../../model/context.ts'
import { DirectoryError } from '../../model/error.ts'
import {
  ACCESS_STEPS,
  type Checked,
  type Explanation,
  type NextStep,
  type Reason,
  toSteps,
} from '../../model/explain.ts'
import type { Hit } from '../../model/find.ts'
import { isUuid, newId } from '../../model/ids.ts'
import { ORGANIZATION_KINDS, type OrganizationKind } from '../../model/organizations.ts'
import { selectFoundOrganization } from '../../store/find/organizations.ts'
import { selectWorkingClient } from '../../store/tables/clients.ts'
import { selectMemberships } from '../../store/tables/groups.ts'
import { ACCESS, isPermitted } from '../access.ts'
import { clientContext, enterPortal, personContext } from '../context.ts'
import type { Directory } from '../directory.ts'
import { findNamed } from '../find.ts'
import { findReachableJob } from '../jobs/jobs.ts'
import { findPerson } from '../people.ts'
import {
  findReachableClient,
  getReachableUser,
  isReachable,
  type ReachableUser,
  type Scope,
} from '../reach.ts'
import { read, runRead } from '../unit.ts'
import { choosePermitted } from './next-steps.ts'

/** An access decision to explain: may this caller run this operation on this thing? */
export interface AccessRequest {
  /** The id of a client, or of a user who signs in to the console; the reader themselves when left out. */
  readonly caller?: string | undefined
  readonly operation: Operation
  /** The domain of the portal through which the call is made, as `X-Tenant` names it. */
  readonly portal?: string | undefined
  /** An id, an access key or an e-mail address of the thing; the operation alone is decided when left out. */
  readonly target?: string | undefined
}

/** Why a caller may run an operation on a thing, or may not. */
export interface AccessExplanation extends Explanation {
  readonly operation: Operation
  readonly caller: {
    readonly kind: CallerKind
    readonly id: string | null
    readonly permission: Context['permission'] | null
    /** The organization that the caller acts for, in the portal; null if the caller was not found. */
    readonly organization: Pick<Context['organization'], 'id' | 'name' | 'kind'> | null
  }
  readonly target: Hit | null
}

/** What the first steps found out about a caller: the context of their calls, or why they have none. */
interface Subject {
  readonly kind: CallerKind
  readonly id: string | null
  readonly ctx: Context | null
  readonly failed: Checked | null
}

/**
 * Explains an access decision, by asking the functions that decide for real: the access table, and the look-ups of
 * calls. It asks them about the caller, and about callers that differ in one thing. Callers and things out of the
 * reader's reach look like ones that do not exist.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export async function explainAccess(
  dir: Directory,
  ctx: Context,
  request: AccessRequest,
): Promise<AccessExplanation> {
  const { operation, target: named } = request
  const { subject, target } = await runRead(dir, ctx, 'ExplainAccess', async (scope) => ({
    subject: await findSubject(scope, request.caller),
    target: named === undefined ? null : ((await findNamed(scope, named))[0] ?? null),
  }))
  const entered = subject.ctx && (await tryPortal(dir, subject.ctx, request.portal))
  const found = {
    ...describeSubject(subject, entered),
    ...(await decide(dir, entered?.ctx, { ...request, target, named })),
  }
  const checked = ACCESS_STEPS.map((code): Checked => ({ code, found: found[code] ?? true }))
  const { steps, failed, reason } = toSteps(checked)
  const next = reason ? listNext(subject, reason, target) : []
  const caller = describeCaller(subject, entered?.ctx)
  return { operation, caller, target, steps, failed, next: choosePermitted(ctx, next) }
}

type Found = Partial<Record<(typeof ACCESS_STEPS)[number], Checked['found']>>

function describeSubject({ kind, failed }: Subject, entered: Entered | null): Found {
  return {
    ...(failed && { [failed.code]: failed.found }),
    ...(kind !== 'person' && { caller_has_role: 'not_needed' }),
    portal_in_context: entered?.found ?? true,
  }
}

function describeCaller(
  { kind, id, ctx }: Subject,
  entered: Context | undefined,
): AccessExplanation['caller'] {
  const { permission = null, organization = null } = entered ?? ctx ?? {}
  return {
    ...{ kind, id, permission },
    organization: organization && { id: organization.id, name: organization.name, kind: organization.kind },
  }
}

/** Decides what the access table and the look-ups of calls say to a caller. */
async function decide(
  dir: Directory,
  ctx: Context | undefined,
  request: { readonly operation: Operation; readonly named: string | undefined; readonly target: Hit | null },
): Promise<Found> {
  if (!ctx) return {}
  const { operation, named, target } = request
  return {
    operation_permitted: isPermitted(ctx, operation) || explainRefusal(ctx, operation),
    target_known:
      named === undefined
        ? 'not_needed'
        : target !== null || { code: 'target_not_found', params: { id: named } },
    target_in_reach: target ? await checkReach(dir, ctx, { operation, target }) : 'not_needed',
  }
}

/** Finds the caller within reach of the reader: a client, or a person. */
async function findSubject(scope: Scope, id: string | undefined): Promise<Subject> {
  const { ctx } = scope
  if (id === undefined) {
    const own = ctx.caller.kind === 'operator' ? null : ctx.caller.id
    return { kind: ctx.caller.kind, id: own, ctx, failed: null }
  }
  const client = isPermitted(ctx, 'GetClient') ? await findReachableClient(scope, id) : undefined
  const person = await findUser(scope, id)
  if (client) {
    const { name } = client.organization
    const isActive = await selectWorkingClient(scope.tx, client.id)
    const context = clientContext(client, newId(), null)
    const reason = { code: 'caller_suspended', params: { organization: name } } as const
    const failed = isActive ? null : ({ code: 'caller_active', found: reason } as const)
    return { kind: 'client', id: client.id, ctx: failed ? null : context, failed }
  }
  if (person) return person
  const reason = { code: 'caller_not_found', params: { id } } as const
  return { kind: 'client', id, ctx: null, failed: { code: 'caller_known', found: reason } }
}

/** Finds the caller among the users in reach. The same function decides who may enter the console. */
async function findUser(scope: Scope, id: string): Promise<Subject | undefined> {
  const found = await tryReach(scope, id)
  if (!found) return undefined
  const { user, organization } = found
  const person = await findPerson(scope.tx, user.pk)
  const named = { kind: 'person', id: user.id } as const
  if (person)
    return {
      ...named,
      ctx: personContext(person, { correlationId: newId(), address: null }),
      failed: null,
    }
  const groups = (await selectMemberships(scope.tx, user.pk)).map(({ name }) => name)
  return { ...named, ctx: null, failed: whyNoPerson({ user, organization, groups }) }
}

function whyNoPerson({
  user,
  organization,
  groups,
}: ReachableUser & { readonly groups: readonly string[] }): Checked {
  if (user.deletedAt !== null || !user.active)
    return {
      code: 'caller_active',
      found: { code: 'caller_suspended', params: { organization: organization.name } },
    }
  const { kind } = organization
  const found =
    kind === 'customer'
      ? ({ code: 'person_cannot_enter', params: { kind } } as const)
      : ({ code: 'person_without_role', params: { groups } } as const)
  return { code: 'caller_has_role', found }
}

/** Returns a user if the running operation reaches them. */
async function tryReach(scope: Scope, id: string): Promise<ReachableUser | undefined> {
  try {
    return await getReachableUser(scope, { user: id }, isUuid(id) ? 'any' : 'live')
  } catch (error) {
    if (error instanceof DirectoryError) return undefined
    throw error
  }
}

/** The context of a call in its portal, and whether it has one. */
interface Entered {
  readonly ctx: Context
  readonly found: Checked['found']
}

async function tryPortal(dir: Directory, ctx: Context, portal: string | undefined): Promise<Entered> {
  if (portal === undefined) return { ctx, found: 'not_needed' }
  try {
    return { ctx: await enterPortal(dir, ctx, portal), found: true }
  } catch (error) {
    if (!(error instanceof DirectoryError && error.code === 'portal_not_in_context')) throw error
    return { ctx, found: { code: 'portal_refused', params: { portal } } }
  }
}

/** Finds out why the access table refuses a caller, by asking it about callers that differ in one thing. */
function explainRefusal(ctx: Context, operation: Operation): Reason {
  const { permission, organization, caller } = ctx
  const withPermission = PERMISSIONS.filter((one) => isPermitted({ ...ctx, permission: one }, operation))
  if (withPermission.length > 0)
    return { code: 'permission', params: { has: permission, needed: withPermission } }
  const isPermittedFor = (kind: OrganizationKind, as: CallerKind): boolean =>
    PERMISSIONS.some((one) =>
      isPermitted(
        {
          ...ctx,
          permission: one,
          organization: { ...organization, kind },
          caller: { ...caller, kind: as } as Context['caller'],
        },
        operation,
      ),
    )
  const kinds = ORGANIZATION_KINDS.filter((kind) => isPermittedFor(kind, caller.kind))
  if (kinds.length > 0)
    return { code: 'organization_kind', params: { has: organization.kind, needed: kinds } }
  const callers = CALLER_KINDS.filter((one) => ORGANIZATION_KINDS.some((kind) => isPermittedFor(kind, one)))
  return { code: 'caller_kind', params: { has: caller.kind, needed: callers } }
}

/** Asks the look-ups of calls whether the operation reaches a thing. */
function checkReach(
  dir: Directory,
  ctx: Context,
  { operation, target }: { readonly operation: Operation; readonly target: Hit },
): Promise<Checked['found']> {
  const { reach } = ACCESS[operation]
  if (reach === 'directory') return Promise.resolve(true)
  if (reach !== 'below') return Promise.resolve('not_needed')
  return read(dir, async (tx) => {
    const scope: Scope = { tx, ctx, reach }
    const owner = await selectFoundOrganization(tx, target.organization?.id ?? '')
    if (await isTargetReached(scope, target, owner)) return true
    const [own, other] = [ctx.organization, target.organization]
    if (!other || own.kind !== 'reseller' || other.kind !== 'customer')
      return { code: 'other_organization', params: { organization: other?.name ?? target.id } }
    if (await isReachable(scope, owner)) return { code: 'other_context', params: { customer: other.name } }
    return { code: 'not_related', params: { customer: other.name, reseller: own.name } }
  })
}

async function isTargetReached(
  scope: Scope,
  { kind, id, userId }: Hit,
  owner: Parameters<typeof isReachable>[1],
): Promise<boolean> {
  if (kind === 'user' || kind === 'account' || kind === 'key')
    return (await tryReach(scope, userId ?? id)) !== undefined
  if (kind === 'client') return (await findReachableClient(scope, id)) !== undefined
  if (kind === 'job') return (await findReachableJob(scope, id)) !== undefined
  return isReachable(scope, owner)
}

function listNext(subject: Subject, reason: Reason, target: Hit | null): NextStep[] {
  const organizationId = subject.ctx?.organization.id ?? ''
  switch (reason.code) {
    case 'person_without_role':
      return [{ code: 'join_group', params: { userId: subject.id ?? '' } }]
    case 'permission': {
      const [permission = 'administrator'] = reason.params.needed
      if (subject.kind === 'person') return [{ code: 'join_group', params: { userId: subject.id ?? '' } }]
      return [{ code: 'add_client', params: { organizationId, permission } }]
    }
    case 'not_related':
      return [
        {
          code: 'relate_customer',
          params: { organizationId: target?.organization?.id ?? '', resellerId: organizationId },
        },
      ]
    default:
      return []
  }
}
