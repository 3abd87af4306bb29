import type { Directory } from '../directory/directory.ts'
import { type ForeignAccount, listForeignAccounts } from '../directory/foreign-accounts.ts'
import { findTenantIncludingRemoved } from '../directory/reach.ts'
import { SealError } from '../directory/sealing/sealer.ts'
import { enforceAccess, read, runRead } from '../directory/unit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import type { Tenant } from '../model/tenants.ts'
import { getPlatform, type IdPage, type Platform, PlatformError } from '../platform/platform.ts'
import { selectAccountByPk } from '../store/accounts/accounts.ts'
import { selectAccountsAfter } from '../store/accounts/backlog.ts'
import { type Desired, type DirectoryPlatforms, findDesired } from './desired.ts'
import { type Drift, FOREIGN, findDrift } from './drift.ts'

/** How many accounts are read from the platform at the same time. */
const CONCURRENCY = 16
/** The time limit for reading one account, or one page of ids, from the platform. */
const READ_MS = 10_000
const LOST = 'the secret of a key cannot be opened; delete the key, and create another'
/** Up to this many unreadable accounts are reported one by one; more means that the platform is down. */
const MAX_UNREADABLE = 20

/** An account on which the platform and the directory differ, or which could not be read. */
export interface Finding {
  /** The user of the account. For a foreign account this is the part of its canonical id that names the user. */
  readonly userId: string
  readonly tenantId: string
  /** Empty if the account could not be read. */
  readonly drift: readonly Drift[]
  /** Whether the platform was verified to have the desired state afterwards. */
  readonly fixed: boolean
  /** Why the account could not be read or fixed; null if there was no error. */
  readonly error: string | null
}

/** The result of a check. */
export interface CheckReport {
  /** How many accounts were compared, including removed ones. */
  readonly checked: number
  /** How many accounts were not compared, because their desired state is not applied yet. */
  readonly unapplied: number
  readonly findings: readonly Finding[]
}

/** Fixes what a check finds. */
export interface Fixer {
  /** Brings an account back to its desired state. Returns why that failed, or null. */
  fix(drifting: Desired): Promise<string | null>
  /**
   * Suspends an account that the directory does not have.
   * @returns false if the directory has meanwhile got the account; then nothing is changed
   * @throws {PlatformError}
   */
  suspendForeign(platform: Platform, foreign: ForeignAccount): Promise<boolean>
}

/** The part of the directory that a check covers. */
export interface CheckRequest {
  /** The name of the platform. */
  readonly platform: string
  /** Only the accounts of this tenant, which may be deleted. */
  readonly tenantId?: string | undefined
  /** Called for each account that differs. Without it nothing is changed. */
  readonly fixer?: Fixer | undefined
}

/** One check of one platform. */
export interface Check {
  readonly dir: Directory
  readonly platform: Platform
  readonly fixer: Fixer | undefined
}

/**
 * Compares the accounts of a platform with the directory, and looks for accounts in the directory's tenants that the
 * directory does not have.
 * @throws {DirectoryError} `not_permitted`, `tenant_not_found`, `store_unavailable`
 * @throws {PlatformError} if the platform is down or not configured
 */
export async function checkPlatform(
  { dir, platforms }: DirectoryPlatforms,
  ctx: Context,
  { platform: name, tenantId, fixer }: CheckRequest,
): Promise<CheckReport> {
  await enforceAccess(dir, ctx, { operation: 'CheckAccounts' })
  const check = { dir, platform: getPlatform(platforms, name), fixer }
  const tenantPk = tenantId === undefined ? undefined : (await getTenant(dir, ctx, tenantId)).pk
  await assertUp(check.platform)
  // List foreign accounts first, so that an unsupported platform fails before anything is changed.
  const foreign = await findForeign(check, ctx, tenantId)
  const { checked, unapplied, findings } = await checkAccounts(check, tenantPk)
  for (const one of foreign) {
    findings.push(...(await checkForeign(check, one)))
    assertReadable(findings)
  }
  return { checked, unapplied, findings }
}

/**
 * Returns the name of the platform that a tenant is on, also if the tenant was deleted.
 * @throws {DirectoryError} `not_permitted`, `tenant_not_found`, `store_unavailable`
 */
export async function getTenantPlatform(dir: Directory, ctx: Context, id: string): Promise<string> {
  return (await getTenant(dir, ctx, id)).platform
}

async function getTenant(dir: Directory, ctx: Context, id: string): Promise<Tenant> {
  const found = await runRead(dir, ctx, 'CheckAccounts', (scope) => findTenantIncludingRemoved(scope, id))
  if (!found) throw new DirectoryError('tenant_not_found', `There is no tenant with the id ${id}.`)
  return found.tenant
}

/** Throws if the platform is down. Without this, a check would wait for each of its accounts. */
async function assertUp(platform: Platform): Promise<void> {
  const { health, reason } = await platform.status()
  if (health === 'ERROR') throw new PlatformError(reason ?? `the platform ${platform.name} is not healthy`)
}

async function checkAccounts(
  check: Check,
  tenantPk: number | undefined,
): Promise<{ checked: number; unapplied: number; findings: Finding[] }> {
  const { dir, platform } = check
  const page = { platform: platform.name, tenant: tenantPk, limit: CONCURRENCY }
  const findings: Finding[] = []
  let [checked, unapplied] = [0, 0]
  for (let after = 0; ; ) {
    const pks = await read(dir, (tx) => selectAccountsAfter(tx, after, page))
    const results = await Promise.all(pks.map((pk) => checkAccount(check, pk)))
    for (const result of results) {
      if (result === 'unapplied') unapplied++
      else checked++
      if (typeof result === 'object') findings.push(result)
    }
    assertReadable(findings)
    after = pks.at(-1) ?? after
    if (pks.length < CONCURRENCY) return { checked, unapplied, findings }
  }
}

function assertReadable(findings: readonly Finding[]): void {
  const unreadable = findings.filter(({ drift }) => drift.length === 0)
  if (unreadable.length > MAX_UNREADABLE)
    throw new PlatformError(`accounts cannot be read from the platform: ${unreadable.at(-1)?.error}`)
}

/**
 * Compares one account with its platform, and fixes it if the check has a fixer.
 * @returns `unapplied` if its desired state is not applied yet, so that it cannot be compared
 * @throws {DirectoryError} `store_unavailable`
 */
export async function checkAccount(check: Check, pk: number): Promise<'same' | 'unapplied' | Finding> {
  const { dir, fixer } = check
  const account = await read(dir, (tx) => selectAccountByPk(tx, pk))
  if (!account) throw vanished(pk)
  const names = { userId: account.userId, tenantId: account.tenantId }
  let drift: readonly Drift[] = []
  try {
    const compared = await compare(check, pk)
    if (compared === 'unapplied') return compared
    drift = compared.drift
    if (drift.length === 0) return 'same'
    if (drift.every(({ kind }) => kind === 'secret_lost'))
      return { ...names, drift, fixed: false, error: LOST }
    const error = (await fixer?.fix(compared.desired)) ?? null
    const fixed = fixer !== undefined && error === null && (await isFixed(check, pk))
    return { ...names, drift, fixed, error }
  } catch (error) {
    if (!(error instanceof PlatformError || error instanceof SealError)) throw error
    return { ...names, drift, fixed: false, error: error.message }
  }
}

/** Returns whether an account no longer differs. A newer desired state is not drift: the reconciler will apply it. */
async function isFixed(check: Check, pk: number): Promise<boolean> {
  const compared = await compare(check, pk)
  return compared === 'unapplied' || compared.drift.length === 0
}

/**
 * Compares one account with its platform, and changes nothing.
 * @returns the differences; `unapplied` if the platform is not known to have the desired state yet
 * @throws {PlatformError} if the account cannot be read
 * @throws {DirectoryError} `store_unavailable`
 */
export async function compareAccount(
  { dir, platforms }: DirectoryPlatforms,
  { pk, platform }: { readonly pk: number; readonly platform: string },
): Promise<'unapplied' | readonly Drift[]> {
  const compared = await compare({ dir, platform: getPlatform(platforms, platform), fixer: undefined }, pk)
  return compared === 'unapplied' ? compared : compared.drift
}

async function compare(
  check: Check,
  pk: number,
): Promise<'unapplied' | { desired: Desired; drift: readonly Drift[] }> {
  const { platform } = check
  const desired = await getDesired(check, pk)
  const { account, state } = desired
  if (account.appliedVersion < account.desiredVersion) return 'unapplied'
  const present = await platform.read(account.canonicalUserId, AbortSignal.timeout(READ_MS))
  const drift = findDrift(state, platform.toDisplayName(state), present)
  if (drift.length === 0) return { desired, drift }
  // If the desired state has changed meanwhile, the platform may have been read before or after the change.
  const { account: now } = await getDesired(check, pk)
  return now.desiredVersion === account.desiredVersion ? { desired, drift } : 'unapplied'
}

async function getDesired({ dir }: Check, pk: number): Promise<Desired> {
  const found = await read(dir, (tx) => findDesired(dir, tx, pk))
  if (!found) throw vanished(pk)
  return found
}

/** Makes the error for an account whose row is missing. This must not happen: rows of accounts are never deleted. */
function vanished(pk: number): Error {
  return new Error(`the account ${pk} is no longer in the directory`)
}

async function findForeign(
  { dir, platform }: Check,
  ctx: Context,
  tenantId: string | undefined,
): Promise<ForeignAccount[]> {
  const foreign: ForeignAccount[] = []
  let from: string | null = null
  do {
    const page: IdPage = await platform.listIds(from, AbortSignal.timeout(READ_MS))
    const ids = { platform: platform.name, canonicalIds: page.ids }
    foreign.push(...(await listForeignAccounts(dir, ctx, ids)))
    from = page.next
  } while (from !== null)
  return tenantId === undefined ? foreign : foreign.filter((one) => one.tenantId === tenantId)
}

/** @returns an empty list if the account is suspended or gone, or the directory has meanwhile got it */
async function checkForeign({ platform, fixer }: Check, foreign: ForeignAccount): Promise<Finding[]> {
  const { userId, tenantId, canonicalUserId } = foreign
  const isActive = async (): Promise<boolean> =>
    (await platform.read(canonicalUserId, AbortSignal.timeout(READ_MS)))?.status === 'active'
  let drift: readonly Drift[] = []
  try {
    if (!(await isActive())) return []
    drift = FOREIGN
    if (fixer && !(await fixer.suspendForeign(platform, foreign))) return []
    return [{ userId, tenantId, drift, fixed: fixer !== undefined && !(await isActive()), error: null }]
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error
    return [{ userId, tenantId, drift, fixed: false, error: error.message }]
  }
}
