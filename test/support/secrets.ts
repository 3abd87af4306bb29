import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { newDirectory } from '../../src/directory/directory.ts'
import { checkSecrets } from '../../src/directory/sealing/check.ts'
import { newSealer } from '../../src/directory/sealing/sealer.ts'
import { openStore } from '../../src/store/open.ts'
import { engine } from '../../testing/environment.ts'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import type { Reachable } from '../../testing/target.ts'
import {
  createdOf,
  createUser,
  getPage,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisCredential,
  type OsisUser,
  queryPath,
} from '../contract/object-store.ts'
import { create, idOf, newUser } from '../contract/portal.ts'

/** Opens the secrets of a store with keys in base64; returns how many secrets there are, and which stay sealed. */
export async function openWith(
  url: string,
  ...lines: readonly string[]
): Promise<{ checked: number; unopened: string[] }> {
  const store = await openStore(url)
  try {
    const sealer = newSealer(lines.map((line) => Buffer.from(line, 'base64')))
    return await checkSecrets(newDirectory({ store, sealer, platform: '', ownerForms: new Map() }))
  } finally {
    await store.close()
  }
}

/**
 * Returns the pause of each caller, in milliseconds. With a shorter pause, calls meet more moments of a rotation and take
 * more of the CPU. A rotation on PostgreSQL takes four times as long, so it meets as many calls.
 */
function pauseOf(what: Calls): number {
  // So rare that a re-sealing may find nothing left while a server still seals under the old key.
  if (what === 'creates') return 200
  const ms = FULL_LENGTH ? 10 : 100
  return engine() === 'sqlite' ? ms : 4 * ms
}

/** What callers do while keys are rotated: create users, read credentials, or both. */
export type Calls = 'creates' | 'reads' | 'both'

/** Creates and reads credentials, and remembers each secret. */
export interface Watch {
  /** Makes these calls until `end`. Any but the right response fails the watch. */
  begin(what: Calls): void
  /** @throws {AssertionError} about the first wrong response */
  end(): Promise<void>
  /** Creates users with a credential each. */
  add(count: number): Promise<void>
  /** Reads every secret again, and asserts that it has not changed. */
  check(target: Reachable): Promise<void>
  readonly size: number
}

/** @param targets servers over one directory; what one creates is read from the next */
export async function watchSecrets(targets: readonly [Reachable, ...Reachable[]]): Promise<Watch> {
  const { tenant_id } = await newTenant(targets[0])
  const seen: { readonly user: OsisUser; readonly secret: string }[] = []
  const read = async (target: Reachable, user: OsisUser): Promise<string> => {
    const [credential] = (await listCredentials(target, user)).items
    assert.match(credential?.secret_key ?? '', /^[A-Za-z0-9]{40}$/)
    return credential?.secret_key ?? ''
  }
  const at = (place: number): Reachable => targets[place % targets.length] ?? targets[0]
  const createOne = async (place: number): Promise<OsisUser> =>
    createdOf(await createUser(at(place), tenant_id, newOsisUser()))
  const addOne = async (place: number): Promise<void> => {
    const user = await createOne(place)
    seen.push({ user, secret: await read(at(place + 1), user) })
  }
  const checkOne = async (target: Reachable, one: (typeof seen)[number] | undefined): Promise<void> => {
    if (one) assert.equal(await read(target, one.user), one.secret, 'a secret is not what it was')
  }
  const unread: OsisUser[] = []
  let over = true
  let working: Promise<unknown> = Promise.resolve()
  const work = async (what: Calls): Promise<void> => {
    for (let place = 0; !over; place++) {
      await pause(pauseOf(what))
      if (what === 'both') await addOne(place)
      // A read would tell the server about a new key.
      if (what === 'creates') unread.push(await createOne(place))
      if (what !== 'reads') idOf(await create(at(place), newUser()))
      if (what !== 'creates') await checkOne(at(place), seen[Math.floor(Math.random() * seen.length)])
    }
  }
  return {
    begin(what) {
      over = false
      working = Promise.all([work(what), work(what)])
      working.catch(() => undefined)
    },
    async end() {
      over = true
      await working
      for (const user of unread.splice(0)) seen.push({ user, secret: await read(at(0), user) })
    },
    async add(count) {
      for (let i = 0; i < count; i += 10) await Promise.all(Array.from({ length: 10 }, () => addOne(i)))
    },
    async check(target) {
      const found = new Map<string, string>()
      for (let offset = 0, total = 1; offset < total; offset += 1_000) {
        const path = queryPath('s3credentials', `tenant_id==${tenant_id}`, `&offset=${offset}&limit=1000`)
        const { items, page_info } = await getPage<OsisCredential>(target, path)
        for (const one of items) found.set(one.user_id, one.secret_key)
        total = page_info.total
      }
      for (const one of seen)
        assert.equal(found.get(one.user.user_id), one.secret, 'a secret is not what it was')
    },
    get size() {
      return seen.length
    },
  }
}

/** Asserts that a server has logged no error since it began to listen. */
export function assertNoErrors(log: string): void {
  const listening = log.indexOf('"msg":"listening"')
  assert.ok(listening >= 0 && !log.includes('"level":50', listening), log)
}
