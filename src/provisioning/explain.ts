import { setTimeout as pause } from 'node:timers/promises'
import { readAccountFacts, readUserFacts, type UserFacts } from '../directory/explain/facts.ts'
import {
  type Compared,
  type PlatformFacts,
  toUserExplanation,
  type UserExplanation,
} from '../directory/explain/user.ts'
import { SealError } from '../directory/sealing/sealer.ts'
import { enforceAccess } from '../directory/unit.ts'
import type { Context } from '../model/context.ts'
import { PlatformError } from '../platform/platform.ts'
import { compareAccount } from './check.ts'
import type { DirectoryPlatforms } from './desired.ts'

/** How an explanation looks at the platform. */
export interface ExplainOptions {
  /** How long to wait for the platform's last known health, in milliseconds. A health that comes later is unknown. */
  readonly patienceMs: number
  /** Whether to read the account from its platform, and compare it with the directory. */
  readonly compare?: boolean
}

/** Explains users for callers of a server, who do not wait for a platform. */
export interface Explainer {
  explainUser(
    ctx: Context,
    request: { readonly user: string; readonly compare?: boolean },
  ): Promise<UserExplanation>
}

/** How long a call waits for the health of a platform, in milliseconds. Usually it is known already. */
const CALL_MS = 50

/** Makes the explainer of a server. */
export function newExplainer(deps: DirectoryPlatforms): Explainer {
  return {
    explainUser: (ctx, request) => explainUser(deps, ctx, { ...request, patienceMs: CALL_MS }),
  }
}

/**
 * Explains why the storage of a user works or does not: the first step that fails, why, and what the caller may do.
 * @param request.user the id or the e-mail address of a user in reach, deleted or not
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `email_ambiguous`, `store_unavailable`
 */
export async function explainUser(
  deps: DirectoryPlatforms,
  ctx: Context,
  { user, ...options }: ExplainOptions & { readonly user: string },
): Promise<UserExplanation> {
  await assertMayCompare(deps, ctx, options)
  return explain(deps, ctx, { facts: await readUserFacts(deps.dir, ctx, user), options })
}

/**
 * Like `explainUser`, for the owner of an account.
 * @param request.canonicalId the account, as its platform names the owner of data
 * @throws {DirectoryError} `not_permitted`, `account_not_found`, `store_unavailable`
 */
export async function explainAccount(
  deps: DirectoryPlatforms,
  ctx: Context,
  { canonicalId, ...options }: ExplainOptions & { readonly canonicalId: string },
): Promise<UserExplanation> {
  await assertMayCompare(deps, ctx, options)
  return explain(deps, ctx, { facts: await readAccountFacts(deps.dir, ctx, canonicalId), options })
}

async function assertMayCompare(
  { dir }: DirectoryPlatforms,
  ctx: Context,
  options: ExplainOptions,
): Promise<void> {
  if (options.compare) await enforceAccess(dir, ctx, { operation: 'CompareAccount' })
}

async function explain(
  deps: DirectoryPlatforms,
  ctx: Context,
  { facts, options }: { readonly facts: UserFacts; readonly options: ExplainOptions },
): Promise<UserExplanation> {
  const { account } = facts
  if (!account?.exists) return toUserExplanation(ctx, facts, { platform: null, compared: null })
  const platform = await readPlatform(deps, account.platform, options.patienceMs)
  const compared = options.compare && platform.isConfigured ? await compare(deps, account) : null
  return toUserExplanation(ctx, facts, { platform, compared })
}

/** Platforms share one look at their health for some seconds, so this rarely asks the platform. */
async function readPlatform(
  { platforms }: DirectoryPlatforms,
  name: string,
  patienceMs: number,
): Promise<PlatformFacts> {
  const platform = platforms.get(name)
  if (!platform || platform.isUnconfigured)
    return { name, isConfigured: false, health: null, reason: null, s3Url: null, readsBack: true }
  const late = new AbortController()
  const status = await Promise.race([
    platform.status(),
    pause(patienceMs, null, { signal: late.signal }).catch(() => null),
  ])
  late.abort()
  const { s3Url, readsBack } = platform
  const { health = null, reason = null } = status ?? {}
  return { name, isConfigured: true, health, reason, s3Url, readsBack }
}

async function compare(
  deps: DirectoryPlatforms,
  { pk, platform }: { readonly pk: number; readonly platform: string },
): Promise<Compared> {
  try {
    const compared = await compareAccount(deps, { pk, platform })
    return compared === 'unapplied' ? null : { kinds: compared.map(({ kind }) => kind) }
  } catch (error) {
    if (error instanceof PlatformError || error instanceof SealError) return { error: error.message }
    throw error
  }
}
