import assert from 'node:assert/strict'
import type { Account } from '../../src/model/accounts.ts'
import type { PlatformAccount } from '../../src/platform/platform.ts'
import { type CheckReport, checkPlatform } from '../../src/provisioning/check.ts'
import { newFixer } from '../../src/provisioning/fix.ts'
import { Reconciler } from '../../src/provisioning/reconciler.ts'
import { addAccount, newTestDirectory, type TestDirectory } from '../support/directories.ts'
import { type FakePlatform, newFakePlatform, only } from '../support/platform.ts'
import type { OpenStore } from '../support/stores.ts'

const QUIET = {
  log: { debug: () => undefined, warn: () => undefined, error: () => undefined },
  observeAttempt: () => undefined,
}

export interface World {
  readonly on: TestDirectory
  readonly platform: FakePlatform
  readonly reconciler: Reconciler
  /** Three of them, all applied. */
  readonly accounts: readonly [Account, Account, Account]
}

export async function newWorld(open: OpenStore): Promise<World> {
  const platform = newFakePlatform()
  const on = await newTestDirectory(open, platform.name)
  const reconciler = new Reconciler(on.dir, only(platform), QUIET)
  const add = (orgUserId: string): Promise<Account> => addAccount(on, orgUserId)
  const accounts = [await add('ada'), await add('bob'), await add('eve')] as const
  await reconciler.drain()
  return { on, platform, reconciler, accounts: [...accounts] }
}

export function check({ on, platform }: World, tenantId?: string): Promise<CheckReport> {
  const deps = { dir: on.dir, platforms: only(platform) }
  return checkPlatform(deps, on.operator, { platform: platform.name, tenantId })
}

export async function fix({ on, platform }: World, waitMs?: number): Promise<CheckReport> {
  const deps = { dir: on.dir, platforms: only(platform) }
  const fixer = newFixer(deps, on.operator, waitMs === undefined ? {} : { waitMs })
  try {
    return await checkPlatform(deps, on.operator, { platform: platform.name, fixer })
  } finally {
    await fixer.stop()
  }
}

/** Which accounts differ and how, by user id. */
export function kindsOf({ findings }: CheckReport): Record<string, string> {
  return Object.fromEntries(findings.map((one) => [one.userId, one.drift.map((drift) => drift.kind).join()]))
}

export function byHand({ platform }: World, account: Account, change: Partial<PlatformAccount>): void {
  const held = platform.accounts.get(account.canonicalUserId)
  assert.ok(held)
  platform.accounts.set(account.canonicalUserId, { ...held, ...change })
}
