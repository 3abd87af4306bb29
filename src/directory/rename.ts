import { createHash } from 'node:crypto'
import { checkCustomerRules } from '../model/company-rules.ts'
import type { Context } from '../model/context.ts'
import { assertValid } from '../model/error.ts'
import { checkOrganizationName, type Organization } from '../model/organizations.ts'
import { assertStateText, type ExpectedStates } from '../model/versions.ts'
import { applyCompanyChange, getRecord } from './companies.ts'
import type { Directory } from './directory.ts'
import { getReachableOrganization } from './reach.ts'
import { runUnit } from './unit.ts'

/** Returns a text that names the state of an organization, as far as a rename changes it. */
export function toNameState({ id, name }: Pick<Organization, 'id' | 'name'>): string {
  return `${id}.${createHash('sha256').update(name).digest('base64url').slice(0, 16)}`
}

/**
 * Renames a customer.
 * @param request.expected the states that the change is for, as `toNameState` returns them
 * @returns the customer with its new name
 * @throws {DirectoryError} `not_permitted`, `invalid`, `customer_not_found`, `precondition_failed`,
 *   `store_unavailable`
 */
export function renameCustomer(
  dir: Directory,
  ctx: Context,
  request: { readonly customerId: string; readonly name: string; readonly expected?: ExpectedStates },
): Promise<Pick<Organization, 'id' | 'name'>> {
  const { customerId: organization, name, expected } = request
  const issues = [...checkOrganizationName(name), ...checkCustomerRules({ companyName: name })]
  return runUnit(dir, ctx, { operation: 'UpdateCustomer', organization }, async (unit) => {
    const customer = await getReachableOrganization(unit, { id: organization, kind: 'customer' })
    assertStateText(toNameState(customer), expected)
    assertValid(issues.map((issue) => ({ ...issue, path: 'name' })))
    await applyCompanyChange(unit, await getRecord(unit, customer), { companyName: name })
    return { id: customer.id, name }
  })
}
