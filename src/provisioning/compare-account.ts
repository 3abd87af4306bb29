import { findAccountToCompare } from '../directory/user-account.ts'
import type { Context } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { getPlatform, PlatformError } from '../platform/platform.ts'
import { checkAccount, type Fixer } from './check.ts'
import type { DirectoryPlatforms } from './desired.ts'
import type { Drift } from './drift.ts'
import { newFixer } from './fix.ts'

/** How long a caller waits until an account is mended, in milliseconds. */
const MEND_MS = 5_000

/** What a comparison of one account found. */
export interface Comparison {
  readonly platform: string
  /**
   * `unapplied`: its desired state is not applied yet, so that it cannot be compared; `incomparable`: its platform keeps
   * accounts in the directory alone.
   */
  readonly state: 'same' | 'differs' | 'unapplied' | 'incomparable'
  /** How it differs, or differed before it was mended. */
  readonly drift: readonly Drift[]
  /** Whether the platform was seen to have the desired state after it was mended. */
  readonly mended: boolean
  /**
   * Why it could not be mended; null if it could, or was not to be. Null also for a reseller: it may name parts of the
   * provider's platform.
   */
  readonly error: string | null
}

interface Request {
  readonly userId: string
  readonly operation: 'CompareAccount' | 'MendAccount'
}

/**
 * Compares the account of a user within reach with its platform. Changes nothing.
 * @throws {DirectoryError} `not_permitted`, `user_not_found`, `account_not_found`, `platform_unavailable`,
 *   `store_unavailable`
 */
export function compareUserAccount(
  deps: DirectoryPlatforms,
  ctx: Context,
  userId: string,
): Promise<Comparison> {
  return compare(deps, ctx, { userId, operation: 'CompareAccount' })
}

/**
 * Brings the account of a user within reach back to its desired state if its platform differs, and reads it again. A
 * removed account is never removed with its data.
 * @throws {DirectoryError} what `compareUserAccount` throws
 */
export async function mendUserAccount(
  deps: DirectoryPlatforms,
  ctx: Context,
  userId: string,
): Promise<Comparison> {
  const fixer = newFixer(deps, ctx, { waitMs: MEND_MS, operation: 'MendAccount' })
  try {
    return await compare(deps, ctx, { userId, operation: 'MendAccount', fixer })
  } finally {
    await fixer.stop()
  }
}

async function compare(
  { dir, platforms }: DirectoryPlatforms,
  ctx: Context,
  request: Request & { readonly fixer?: Fixer },
): Promise<Comparison> {
  const { pk, platform: name } = await findAccountToCompare(dir, ctx, request)
  const none = { platform: name, drift: [], mended: false, error: null } as const
  try {
    const platform = getPlatform(platforms, name)
    if (!platform.readsBack) return { ...none, state: 'incomparable' }
    const found = await checkAccount({ dir, platform, fixer: request.fixer }, pk)
    if (typeof found === 'string') return { ...none, state: found }
    const { drift, fixed, error } = found
    if (drift.length === 0) throw new PlatformError(error ?? 'it could not be read')
    const shown = ctx.organization.kind === 'provider' ? error : null
    return { platform: name, state: 'differs', drift, mended: fixed, error: shown }
  } catch (cause) {
    if (!(cause instanceof PlatformError)) throw cause
    const message = 'The account cannot be read from its platform at the moment; repeat the call.'
    throw new DirectoryError('platform_unavailable', message, { cause })
  }
}
