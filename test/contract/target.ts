import { getToken, type Init, type Served, serveNew, usherJson } from '../../testing/usher.ts'

/** A real Usher with the example of a first start, and what tests need beside it, made at the command line. */
export interface Target extends Served {
  readonly dataDir: string
  readonly init: Init
  /** A token of the provider's administrator. */
  readonly token: string
  /** Runs a command that must succeed, and reads its JSON. */
  cli<T = unknown>(...args: string[]): Promise<T>
  end(): Promise<void>
}

export async function startTarget(settings: Readonly<Record<string, string>> = {}): Promise<Target> {
  const usher = await serveNew(settings)
  const token = await getToken(usher.url, usher.init.clients.administrator)
  return { ...usher, token, cli: (...args) => usherJson(usher.dataDir, args, settings) }
}

type Permission = 'administrator' | 'viewer' | 'osis'

/** A new client of an organization, with its id and secret. */
export function addClient(
  target: Target,
  organization: string,
  permission: Permission,
): Promise<{ client_id: string; client_secret: string }> {
  return target.cli(
    ...['client', 'add', '--organization', organization],
    ...['--permission', permission, '--name', `a test's ${permission}`],
  )
}

/** A token of a new client of an organization. */
export async function newToken(
  target: Target,
  organization: string,
  permission: Permission = 'administrator',
): Promise<string> {
  return getToken(target.url, await addClient(target, organization, permission))
}

/** A new customer, related to the resellers; answers its id. */
export async function addCustomer(target: Target, ...resellers: string[]): Promise<string> {
  const related = resellers.flatMap((id) => ['--reseller', id])
  const { id } = await target.cli<{ id: string }>(
    ...['organization', 'add', '--kind', 'customer', '--name', 'A customer', ...related],
  )
  return id
}

/** A new reseller with a portal of its own; answers its id. */
export async function addReseller(target: Target, portal: string): Promise<string> {
  const { id } = await target.cli<{ id: string }>(
    ...['organization', 'add', '--kind', 'reseller', '--name', portal],
  )
  await addPortal(target, portal, id)
  return id
}

export async function addPortal(target: Target, domain: string, organization: string): Promise<void> {
  await target.cli('portal', 'add', domain, '--organization', organization)
}

export interface Person {
  readonly id: string
  readonly email: string | null
  readonly firstName: string | null
  readonly lastName: string | null
  readonly groups: readonly string[]
}

/** The people of an organization, as the operator sees them. */
export function listPeople(target: Target, organization: string): Promise<Person[]> {
  return target.cli('user', 'list', '--organization', organization)
}

export interface AuditEntry {
  readonly at: string
  readonly operation: string
  readonly status: string
  readonly outcome: string
  readonly caller: string
  readonly portal: string | null
  readonly organization: string | null
  readonly target: string | null
  readonly correlationId: string
  readonly changedFields: readonly string[]
  readonly changes?: Readonly<
    Record<string, Readonly<Record<'before' | 'after' | 'added' | 'removed', readonly string[]>>>
  >
}

/** What was recorded under a correlation id. */
export function listAudit(target: Target, correlationId: string): Promise<AuditEntry[]> {
  return target.cli('audit', 'list', '--correlation-id', correlationId)
}
