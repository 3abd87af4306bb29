import type { Command } from 'commander'
import { getCustomer, updateCustomer, updateCustomerIdentifier } from '../directory/customers.ts'
import { deleteCustomer, deleteReseller } from '../directory/deletion.ts'
import { unrelateOrganization } from '../directory/relations.ts'
import { getReseller, updateReseller, updateResellerIdentifier } from '../directory/resellers.ts'
import { resumeCustomer, type Suspension, suspendCustomer } from '../directory/suspension.ts'
import { COMPANY_MEMBERS, type CompanyChange } from '../model/companies.ts'
import { DirectoryError, type ErrorCode } from '../model/error.ts'
import { action, type Opened, type Output, type Session, UsageError, withDirectory } from './command.ts'
import { COMPANY_OPTIONS } from './names.ts'
import { formatMembers, toLabel } from './table.ts'

/** The commands of `usher organization` for what a customer or a reseller is, and what happens to it. */
export function defineCompany(organization: Command, session: Session): void {
  organization
    .command('show')
    .description('Show a customer or a reseller with its company data')
    .argument('<id>', 'Id of the customer or reseller')
    .action(action(session, (id: string) => show(session, id)))
  const change = organization
    .command('change')
    .description('Change the company data of a customer or a reseller; an empty value empties a member')
    .argument('<id>', 'Id of the customer or reseller')
  for (const [member, flag] of Object.entries(COMPANY_OPTIONS))
    change.option(`${flag} <value>`, `New value of ${member}`)
  change.action(action(session, (id: string, options: Values) => changeCompany(session, id, options)))
  organization
    .command('identify')
    .description('Set what your own systems call a customer or a reseller')
    .argument('<id>', 'Id of the customer or reseller')
    .option('--identifier <text>', 'Internal identifier; leave it out to remove the one that is there')
    .option(
      '--reseller <id>',
      'Reseller whose relation to the customer has it (default: that of the provider)',
    )
    .action(action(session, (id: string, options: IdentifyOptions) => identify(session, id, options)))
  organization
    .command('unrelate')
    .description('End the relation of a customer and a reseller; its users are in no context then')
    .argument('<customer>', 'Id of the customer')
    .requiredOption('--reseller <id>', 'Id of the reseller')
    .action(
      action(session, (id: string, options: { reseller: string }) => unrelate(session, id, options.reseller)),
    )
  defineStates(organization, session)
}

function defineStates(organization: Command, session: Session): void {
  for (const [name, run] of [
    ['suspend', suspendCustomer],
    ['resume', resumeCustomer],
  ] as const)
    organization
      .command(name)
      .description(DESCRIPTIONS[name])
      .argument('<customer>', 'Id of the customer')
      .action(action(session, (id: string) => changeState(session, id, run)))
  organization
    .command('delete')
    .description('Delete a customer or a reseller; a job of the server then removes what belongs to it')
    .argument('<id>', 'Id of the customer or reseller')
    .option('--purge-data', "Delete the data of a customer's accounts too; without it, these accounts stay")
    .action(action(session, (id: string, options: { purgeData?: true }) => remove(session, id, options)))
}

const DESCRIPTIONS = {
  suspend: 'Suspend a customer: its clients are refused, and the keys of its accounts stop working',
  resume: 'End the suspension of a customer: what worked before works again',
} as const

/** Runs one of two functions, depending on what an id names. */
async function byKind<T>(
  { dir, ctx }: Opened,
  id: string,
  run: { customer: () => Promise<T>; reseller: () => Promise<T> },
): Promise<T> {
  if (await exists('customer_not_found', () => getCustomer(dir, ctx, { customerId: id })))
    return run.customer()
  if (await exists('reseller_not_found', () => getReseller(dir, ctx, id))) return run.reseller()
  throw new DirectoryError(
    'organization_not_found',
    `There is no customer and no reseller with the id ${id}.`,
  )
}

async function exists(code: ErrorCode, get: () => Promise<unknown>): Promise<boolean> {
  try {
    await get()
    return true
  } catch (error) {
    if (error instanceof DirectoryError && error.code === code) return false
    throw error
  }
}

function show(session: Session, id: string): Promise<Output> {
  return withDirectory(session, async (opened) => {
    const { dir, ctx } = opened
    const found = await byKind<Awaited<ReturnType<typeof getCustomer | typeof getReseller>>>(opened, id, {
      customer: () => getCustomer(dir, ctx, { customerId: id }),
      reseller: () => getReseller(dir, ctx, id),
    })
    const { pk: _, providerPk: __, company, ...rest } = found
    const json = { ...rest, ...company }
    return {
      json,
      lines: formatMembers(Object.entries(json).map(([name, value]) => [toLabel(name), toText(value)])),
    }
  })
}

/** Returns null if there is nothing to show. Of tenants it shows the ids. */
function toText(value: unknown): string | null {
  if (!Array.isArray(value)) return value === null || value === undefined ? null : String(value)
  return value.map((one) => (typeof one === 'string' ? one : one.id)).join(', ') || null
}

type Values = Readonly<Record<string, string>>

/** Reads the options by the names that commander gives them: those of the members, and `name` for `companyName`. */
function toChange(options: Values): CompanyChange {
  const members = COMPANY_MEMBERS.filter((member) => options[member] !== undefined)
  const change = Object.fromEntries(members.map((member) => [member, options[member] || null]))
  return { ...change, ...(options.name !== undefined && { companyName: options.name }) }
}

function changeCompany(session: Session, id: string, options: Values): Promise<Output> {
  const change = toChange(options)
  const changed = Object.keys(change)
  if (changed.length === 0) throw new UsageError('name at least one member to change')
  return withDirectory(session, async (opened) => {
    const { dir, ctx } = opened
    await byKind(opened, id, {
      customer: () => updateCustomer(dir, ctx, { customerId: id, change, retry: false }),
      reseller: () => updateReseller(dir, ctx, { resellerId: id, change }),
    })
    return { json: { id, changed }, lines: [`Changed ${id}.`] }
  })
}

interface IdentifyOptions {
  readonly identifier?: string
  readonly reseller?: string
}

function identify(session: Session, id: string, options: IdentifyOptions): Promise<Output> {
  const { identifier = null, reseller } = options
  return withDirectory(session, async (opened) => {
    const { dir, ctx } = opened
    await byKind(opened, id, {
      customer: () =>
        updateCustomerIdentifier(dir, ctx, { customerId: id, resellerId: reseller, identifier }),
      reseller: () => updateResellerIdentifier(dir, ctx, { resellerId: id, identifier }),
    })
    return { json: { id, internalIdentifier: identifier }, lines: [`Changed ${id}.`] }
  })
}

function unrelate(session: Session, customerId: string, resellerId: string): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    await unrelateOrganization(dir, ctx, { customerId, resellerId })
    return {
      json: { customer: customerId, reseller: resellerId },
      lines: [`Reseller ${resellerId} can no longer manage customer ${customerId}.`],
    }
  })
}

function changeState(session: Session, id: string, run: typeof suspendCustomer): Promise<Output> {
  return withDirectory(session, async ({ dir, ctx }) => {
    const json: Suspension = await run(dir, ctx, id)
    const state =
      json.suspendedAt === null ? 'is not suspended' : `has been suspended since ${json.suspendedAt}`
    const pending = `Accounts that the platform does not have in their new state yet: ${json.pendingAccounts}`
    return { json: { id, ...json }, lines: [`Customer ${id} ${state}.`, pending] }
  })
}

function remove(
  session: Session,
  id: string,
  { purgeData = false }: { purgeData?: boolean },
): Promise<Output> {
  return withDirectory(session, async (opened) => {
    const { dir, ctx } = opened
    const { jobId } = await byKind(opened, id, {
      customer: () => deleteCustomer(dir, ctx, { customerId: id, purgeData }),
      reseller: async () => {
        if (purgeData)
          throw new UsageError("option '--purge-data' is for customers: a reseller has no accounts")
        return deleteReseller(dir, ctx, id)
      },
    })
    return {
      json: { deleted: id, job: jobId },
      lines: [`Deleted ${id}. The job ${jobId} removes the rest: usher job show ${jobId}`],
    }
  })
}
