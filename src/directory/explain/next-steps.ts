import type { Operation } from '../../model/audit.ts'
import type { Context } from '../../model/context.ts'
import { NEXT_OPERATIONS, type NextCode, type NextStep } from '../../model/explain.ts'
import { isPermitted } from '../access.ts'

/**
 * Leaves out the next steps that a caller may not take, by the access table. If none is left that changes anything, the
 * last one says whom to ask.
 */
export function choosePermitted(ctx: Context, steps: readonly NextStep[]): NextStep[] {
  const may = steps.filter(({ code }) => mayTake(ctx, code))
  const refused = steps.find(({ code }) => !mayTake(ctx, code))
  const helps = may.some(({ code }) => NEXT_OPERATIONS[code] !== null)
  return refused && !helps ? [...may, whomToAsk(ctx, refused.code)] : may
}

function mayTake(ctx: Context, code: NextCode): boolean {
  const operation = NEXT_OPERATIONS[code]
  if (operation === null) return true
  return operation === 'operator' ? ctx.caller.kind === 'operator' : isPermitted(ctx, operation)
}

/** Asks the access table what it would say to an administrator of the same organization, and to one of the provider. */
function whomToAsk(ctx: Context, step: NextCode): NextStep {
  const operation = NEXT_OPERATIONS[step]
  if (operation === null || operation === 'operator') return { code: 'ask_operator', params: { step } }
  const { organization } = ctx
  if (mayAs(ctx, operation, organization.kind)) return { code: 'ask_administrator', params: { step } }
  if (mayAs(ctx, operation, 'provider')) return { code: 'ask_provider', params: { step } }
  return { code: 'ask_operator', params: { step } }
}

function mayAs(ctx: Context, operation: Operation, kind: Context['organization']['kind']): boolean {
  const organization = { ...ctx.organization, kind }
  return isPermitted({ ...ctx, organization, permission: 'administrator' }, operation)
}
