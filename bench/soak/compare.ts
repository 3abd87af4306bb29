import type { Gateway } from './gateway.ts'
import type { Worker } from './worker.ts'

/** Returns the differences between the gateway's users and the users that the workers expect. */
export async function listDrift(gateway: Gateway, workers: readonly Worker[]): Promise<string[]> {
  const users = workers.flatMap((worker) => worker.users)
  const expected = new Set(users.map(({ canonicalId }) => canonicalId))
  const there = new Set((await gateway.listUids()).filter((uid) => uid.includes('$')))
  const drift = [...there].filter((uid) => !expected.has(uid)).map((uid) => `${uid} exists, and should not`)
  await forEachConcurrently(users, async ({ canonicalId, active, keys }) => {
    if (!there.has(canonicalId)) return drift.push(`${canonicalId} is missing`)
    const found = await gateway.readUser(canonicalId)
    const working = keys.filter((key) => key.active).map((key) => `${key.accessKey} ${key.secretKey}`)
    if (found.suspended === active) drift.push(`${canonicalId} is ${active ? '' : 'not '}suspended`)
    if (found.keys.join() !== working.sort().join()) drift.push(`${canonicalId} has other keys`)
    return undefined
  })
  return drift
}

/** Returns keys that work and should not, or should work and do not. */
export async function listWrongKeys(gateway: Gateway, workers: readonly Worker[]): Promise<string[]> {
  const wrong: string[] = []
  const keys = workers.flatMap(({ users, dead }) => [
    ...users.flatMap(({ active, keys }) => keys.map((key) => ({ ...key, works: active && key.active }))),
    ...dead.map((key) => ({ ...key, works: false })),
  ])
  await forEachConcurrently(keys, async ({ works, ...key }) => {
    const response = await gateway.tryKey(key)
    const refused = response === 'InvalidAccessKeyId' || response === 'UserSuspended'
    if (works ? response !== 'yes' : !refused) wrong.push(`${key.accessKey}: ${response}`)
  })
  console.log(`keys tried on S3:      ${keys.length}, and ${keys.filter(({ works }) => works).length} work`)
  return wrong
}

/** Runs work for all items, eight at the same time. */
async function forEachConcurrently<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values()
  const run = async (): Promise<void> => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: 8 }, run))
}
