import type { Directory } from '../directory/directory.ts'
import { type ForeignAccount, listForeignAccounts } from '../directory/foreign-accounts.ts'
import { SealError } from '../directory/sealing/sealer.ts'
import { read } from '../directory/unit.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { type IdPage, type Platform, PlatformError } from '../platform/platform.ts'
import { selectAccountByPk } from '../store/accounts/accounts.ts'
import { selectAccountsAfter } from '../store/accounts/backlog.ts'
import { selectTenantIncludingRemoved } from '../store/tables/tenants.ts'
import { type Drift, FOREIGN, findDrift } from './drift.ts'
import { findWanted, type Wanted } from './wanted.ts'

/** So many accounts are read from the platform at the same time. */
const AT_ONCE = 16
/** How long the platform may take to show one account. */
const READ_MS = 10_000
const LOST = 'the secret of a key cannot be opened; delete the key, and issue another'
/** So many accounts that cannot be read are accounts of their own; more are a platform that is down. */
const MOST_UNREAD = 20

/** What can be checked, and where. */
export interface Checked {
  readonly dir: Directory
  readonly platform: Platform
}

/** An account on which the platform and the directory do not agree, or which could not be read. */
export interface Finding {
  /** A foreign account's is what follows the tenant in its id on the platform. */
  readonly userId: string
  readonly tenantId: string
  /** Empty when the account could not be read. */
  readonly drift: readonly Drift[]
  /** Whether the platform was seen to have what is wanted afterwards. */
  readonly fixed: boolean
  /** Why it could not be read or mended. */
  readonly error: string | null
}

export interface CheckReport {
  /** How many accounts were compared, removed ones among them. */
  readonly checked: number
  /** How many were not, since what is wanted has yet to be applied. */
  readonly unapplied: number
  readonly findings: readonly Finding[]
}

export interface Mender {
  /** Brings an account back to what is wanted of it; answers why it could not, or null. */
  mend(drifting: Wanted): Promise<string | null>
  /**
   * Locks out an account that is not in the directory.
   * @returns false when it is in the directory by now, and was left alone
   * @throws {PlatformError}
   */
  suspendForeign(foreign: ForeignAccount): Promise<boolean>
}

/**
 * Reads accounts back from the platform and compares them with the directory, and looks for accounts in its tenants
 * that it does not have.
 * @param request.tenantId only those of this tenant, which may have been deleted
 * @param request.mender is asked for each account that differs; without it nothing is changed
 * @throws {DirectoryError} `tenant_not_found`, `store_unavailable`
 * @throws {PlatformError} when the platform is down
 */
export async function checkPlatform(
  parts: Checked,
  ctx: Context,
  { tenantId, mender }: { tenantId?: string | undefined; mender?: Mender | undefined },
): Promise<CheckReport> {
  const { dir, platform } = parts
  const tenant = tenantId === undefined ? undefined : await getTenantPk(dir, ctx, tenantId)
  await assertUp(platform)
  // First: a platform that cannot tell ends the check before anything is mended, and not behind it.
  const foreign = await findForeign(parts, ctx, tenantId)
  const findings: Finding[] = []
  let [checked, unapplied] = [0, 0]
  for (let after = 0; ; ) {
    const page = { platform: platform.name, tenant, limit: AT_ONCE }
    const pks = await read(dir, (tx) => selectAccountsAfter(tx, after, page))
    const results = await Promise.all(pks.map((pk) => checkAccount(parts, pk, mender)))
    for (const result of results) {
      if (result === 'unapplied') unapplied++
      else checked++
      if (typeof result === 'object') findings.push(result)
    }
    assertReadable(findings)
    after = pks.at(-1) ?? after
    if (pks.length < AT_ONCE) break
  }
  for (const one of foreign) {
    findings.push(...(await checkForeign(parts, one, mender)))
    assertReadable(findings)
  }
  return { checked, unapplied, findings }
}

async function getTenantPk(dir: Directory, ctx: Context, id: string): Promise<number> {
  const found = await read(dir, (tx) => selectTenantIncludingRemoved(tx, ctx.organization.pk, id))
  if (!found) throw new DirectoryError('tenant_not_found', `There is no tenant with the id ${id}.`)
  return found.tenant.pk
}

/** Otherwise every account would be waited for in vain. */
async function assertUp(platform: Platform): Promise<void> {
  const { health, reason } = await platform.status()
  if (health === 'ERROR') throw new PlatformError(reason ?? `the platform ${platform.name} is not well`)
}

function assertReadable(findings: readonly Finding[]): void {
  const unread = findings.filter(({ drift }) => drift.length === 0)
  if (unread.length > MOST_UNREAD)
    throw new PlatformError(`accounts cannot be read from the platform: ${unread.at(-1)?.error}`)
}

async function checkAccount(
  parts: Checked,
  pk: number,
  mender: Mender | undefined,
): Promise<'same' | 'unapplied' | Finding> {
  const account = await read(parts.dir, (tx) => selectAccountByPk(tx, pk))
  if (!account) throw vanished(pk)
  const names = { userId: account.userId, tenantId: account.tenantId }
  let drift: readonly Drift[] = []
  try {
    const seen = await compare(parts, pk)
    if (seen === 'unapplied') return seen
    drift = seen.drift
    if (drift.length === 0) return 'same'
    if (drift.every(({ kind }) => kind === 'secret_lost'))
      return { ...names, drift, fixed: false, error: LOST }
    const error = (await mender?.mend(seen.wanted)) ?? null
    const fixed = mender !== undefined && error === null && (await isMended(parts, pk))
    return { ...names, drift, fixed, error }
  } catch (error) {
    if (!(error instanceof PlatformError || error instanceof SealError)) throw error
    return { ...names, drift, fixed: false, error: error.message }
  }
}

async function findForeign(
  { dir, platform }: Checked,
  ctx: Context,
  tenantId: string | undefined,
): Promise<ForeignAccount[]> {
  const foreign: ForeignAccount[] = []
  let from: string | null = null
  do {
    const page: IdPage = await platform.listIds(from, AbortSignal.timeout(READ_MS))
    foreign.push(...(await listForeignAccounts(dir, ctx, page.ids)))
    from = page.next
  } while (from !== null)
  return tenantId === undefined ? foreign : foreign.filter((one) => one.tenantId === tenantId)
}

/** @returns nothing for one that is suspended, has gone, or is in the directory by now */
async function checkForeign(
  { platform }: Checked,
  foreign: ForeignAccount,
  mender: Mender | undefined,
): Promise<Finding[]> {
  const { userId, tenantId, canonicalUserId } = foreign
  const isActive = async (): Promise<boolean> =>
    (await platform.read(canonicalUserId, AbortSignal.timeout(READ_MS)))?.state === 'active'
  let drift: readonly Drift[] = []
  try {
    if (!(await isActive())) return []
    drift = FOREIGN
    if (mender && !(await mender.suspendForeign(foreign))) return []
    return [{ userId, tenantId, drift, fixed: mender !== undefined && !(await isActive()), error: null }]
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error
    return [{ userId, tenantId, drift, fixed: false, error: error.message }]
  }
}

/** Something else that is wanted by now will be applied, and is no drift. */
async function isMended(parts: Checked, pk: number): Promise<boolean> {
  const seen = await compare(parts, pk)
  return seen === 'unapplied' || seen.drift.length === 0
}

async function compare(
  parts: Checked,
  pk: number,
): Promise<'unapplied' | { wanted: Wanted; drift: readonly Drift[] }> {
  const { platform } = parts
  const wanted = await find(parts, pk)
  const { account } = wanted
  if (account.appliedVersion < account.desiredVersion) return 'unapplied'
  const present = await platform.read(account.canonicalUserId, AbortSignal.timeout(READ_MS))
  const drift = findDrift(wanted.wanted, platform.toDisplayName(wanted.wanted), present)
  if (drift.length === 0) return { wanted, drift }
  // What has been changed between the two looks is not drift: the platform may have been read before or after it.
  const { account: now } = await find(parts, pk)
  return now.desiredVersion === account.desiredVersion ? { wanted, drift } : 'unapplied'
}

async function find({ dir }: Checked, pk: number): Promise<Wanted> {
  const found = await read(dir, (tx) => findWanted(dir, tx, pk))
  if (!found) throw vanished(pk)
  return found
}

/** Rows of accounts are never deleted. */
function vanished(pk: number): Error {
  return new Error(`the account ${pk} has vanished from the directory`)
}
