import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { newId } from '../../src/model/ids.ts'
import { followAuditLog } from '../../src/store/audit/index-rows.ts'
import { type LogPlace, selectLogWalk } from '../../src/store/audit/log-walks.ts'
import { type LogFilter, type LogPage, selectAuditLogs } from '../../src/store/audit/logs.ts'
import { selectDeletionOf } from '../../src/store/audit/removals.ts'
import {
  selectChangesOfAccounts,
  selectChangesOfUser,
  selectEntriesOfUser,
} from '../../src/store/audit/timeline.ts'
import type { Store } from '../../src/store/port.ts'
import { rounds } from '../../testing/full-length.ts'
import { addOrganization, addProvider, newEntry, putEntries, putUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** More entries than one call looks at. */
const MANY = 25_000

interface World {
  readonly store: Store
  readonly providerPk: number
  readonly organization: { readonly pk: number; readonly id: string }
  readonly user: { readonly pk: number; readonly id: string }
}

/** A new customer with a user; the store may have entries of others. */
async function addWorld(store: Store): Promise<World> {
  const provider = await addProvider(store)
  const organization = await addOrganization(store, provider, 'customer')
  const id = newId()
  const pk = await store.write((tx) => putUser(tx, organization.pk, null, id))
  return { store, providerPk: provider.pk, organization, user: { pk: pk ?? 0, id } }
}

/** Lists all entries about the user in pages, with a window of the tail; newest first. */
async function listAll({ store, user, providerPk }: World, limit: number, window: number): Promise<string[]> {
  const ids: string[] = []
  for (let before = 1e15; ; ) {
    const request = { user, reader: { providerPk }, kinds: ['changes'], before, limit, window } as const
    const { entries, last } = await store.read((tx) => selectEntriesOfUser(tx, request))
    ids.push(...entries.map(({ id }) => id))
    const next = entries.length < limit ? last?.number : entries.at(-1)?.number
    if (next === undefined) return ids
    assert.ok(next < before, 'each page begins below the page before')
    before = next
  }
}

const timeOf = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString()

/** Writes entries about others, one each second, from one second to the one before another. */
async function fill({ store }: World, from: number, to: number): Promise<void> {
  const rows = Array.from({ length: to - from }, (_, i) => ({ id: newId(), at: timeOf(from + i) }))
  const entry = { operation: 'CreateUser', status: 'Succeeded', outcome: 'created', caller: 'operator' }
  const rest = { target: 'other', correlation_id: 'c', changed_fields: '[]' }
  for (let i = 0; i < rows.length; i += 1_000)
    await store.write((tx) =>
      tx.query((db) =>
        db
          .insertInto('audit_entries')
          .values(rows.slice(i, i + 1_000).map((row) => ({ ...row, ...entry, ...rest }))),
      ),
    )
}

/** Reads of entries that are not in the index of the log yet. */
export function auditTailSuite(open: OpenStore): void {
  describe('the tail of the audit log', () => {
    test('pages with any window have what a plain scan has', async () => {
      const store = await open()
      const plan = fc.record({
        blocks: fc.array(fc.array(fc.boolean(), { maxLength: 6 }), { maxLength: 8 }),
        sealed: fc.integer({ min: 0, max: 8 }),
        followed: fc.integer({ min: 0, max: 30 }),
        window: fc.integer({ min: 1, max: 12 }),
        limit: fc.integer({ min: 1, max: 4 }),
      })
      await fc.assert(
        fc.asyncProperty(plan, async ({ blocks, sealed, followed, window, limit }) => {
          const world = await addWorld(store)
          const { user, organization } = world
          for (const [i, block] of blocks.entries()) {
            const entries = block.map((isOwn) =>
              newEntry({ organization: organization.id, target: isOwn ? user.id : newId() }),
            )
            await putEntries(store, ...entries)
            if (i < sealed) await store.sealAudit()
          }
          if (followed > 0) await store.write((tx) => followAuditLog(tx, followed))
          const rows = await store.read((tx) =>
            tx.query((db) =>
              db.selectFrom('audit_entries').select('id').where('target', '=', user.id).orderBy('pk', 'desc'),
            ),
          )
          assert.deepEqual(
            await listAll(world, limit, window),
            rows.map(({ id }) => id),
          )
        }),
        { numRuns: rounds(15, 60) },
      )
    })

    test('a walk with any window has what a plain scan has', async () => {
      const store = await open()
      let second = 0
      const plan = fc.record({
        entries: fc.array(fc.record({ pause: fc.integer({ min: 0, max: 2 }), isFailed: fc.boolean() }), {
          maxLength: 40,
        }),
        followed: fc.integer({ min: 0, max: 30 }),
        window: fc.integer({ min: 1, max: 12 }),
        limit: fc.integer({ min: 1, max: 4 }),
        filter: fc.constantFrom({}, { status: 'Failed' as const }, { operations: ['CreateUser'] }),
      })
      await fc.assert(
        fc.asyncProperty(plan, async ({ entries, followed, window, limit, filter }) => {
          const { providerPk, organization } = await addWorld(store)
          const written = entries.map(({ pause, isFailed }) => {
            second += pause
            const status = isFailed ? ('Failed' as const) : ('Succeeded' as const)
            return newEntry({ organization: organization.id, at: timeOf(second), status })
          })
          for (let i = 0; i < written.length; i += 5) await putEntries(store, ...written.slice(i, i + 5))
          await store.sealAudit()
          if (followed > 0) await store.write((tx) => followAuditLog(tx, followed))
          const ids: string[] = []
          let after: LogPlace | undefined
          do {
            const time = { from: timeOf(0), to: timeOf(100_000) }
            const walk = { filter: { providerPk, ...time, ...filter }, after, limit, window }
            const { items, next } = await store.read((tx) => selectLogWalk(tx, walk))
            ids.push(...items.map(({ id }) => id))
            after = next
          } while (after)
          const wanted = written.filter(({ status }) => !('status' in filter) || status === 'Failed')
          assert.deepEqual(ids, wanted.map(({ id }) => id).reverse())
        }),
        { numRuns: rounds(15, 60) },
      )
    })

    test('what was recorded at a known time is found behind many newer entries', async () => {
      const world = await addWorld(await open())
      const { store, user, organization, providerPk } = world
      const about = { organization: organization.id, at: timeOf(3_000) }
      const removal = newEntry({ ...about, operation: 'DeleteUser', outcome: 'deleted', target: user.id })
      const deletion = newEntry({
        ...{ ...about, operation: 'DeleteCustomer', outcome: 'begun', target: organization.id },
      })
      await fill(world, 0, 3_000)
      await putEntries(store, removal, deletion)
      await fill(world, 3_001, MANY)
      await store.write((tx) =>
        tx.query((db) =>
          db
            .updateTable('organizations')
            .set({ deleted_at: about.at })
            .where('pk', '=', organization.pk)
            .returning('pk'),
        ),
      )
      await store.read(async (tx) => {
        const reader = { providerPk }
        const find = async (times: string[]): Promise<string[]> =>
          (await selectChangesOfUser(tx, { user, reader, times }, 10)).map(({ id }) => id)
        assert.deepEqual(await find([about.at]), [removal.id])
        // Without the time, only the newest entries are looked at.
        assert.deepEqual(await find([timeOf(10_000)]), [])
        assert.equal((await selectDeletionOf(tx, organization.id))?.id, deletion.id)
        const accounts = { user, organizationPk: organization.pk, providerPk }
        const changes = await selectChangesOfAccounts(tx, accounts, [timeOf(1), about.at, timeOf(MANY + 5)])
        assert.deepEqual([...changes], [[about.at, removal.correlationId]])
      })
      const request = { user, reader: { providerPk }, kinds: ['changes'], before: 1e15, limit: 5 } as const
      const first = await store.read((tx) => selectEntriesOfUser(tx, request))
      assert.deepEqual(first.entries, [])
      assert.ok(first.last, 'the page says that there may be more')
      assert.deepEqual(await listAll(world, 5, 10_000), [removal.id])
    })

    test('lists look at a part of a long tail, where their interval is', async () => {
      const world = await addWorld(await open())
      const { store, organization, providerPk } = world
      const about = { organization: organization.id, at: timeOf(2_500), operation: 'DeleteUser' } as const
      await fill(world, 0, 2_500)
      const rare = newEntry(about)
      await putEntries(store, rare)
      await fill(world, 2_501, MANY)
      const list = async (filter: Partial<LogFilter>, offset = 0): Promise<LogPage> => {
        const all = { providerPk, from: timeOf(0), to: timeOf(MANY), ...filter }
        return store.read((tx) => selectAuditLogs(tx, all, { offset, limit: 3 }))
      }
      const timesOf = ({ items }: LogPage): string[] => items.map(({ at }) => at)
      const newest = await list({})
      assert.deepEqual(
        timesOf(newest),
        [1, 2, 3].map((i) => timeOf(MANY - i)),
      )
      assert.ok(newest.more && newest.total < MANY)
      // A page has all its entries, however far it is.
      assert.deepEqual(
        timesOf(await list({}, 20_000)),
        [1, 2, 3].map((i) => timeOf(MANY - 20_000 - i)),
      )
      // What few entries have is found where the interval leads to it.
      assert.deepEqual(timesOf(await list({ operations: ['DeleteUser'] })), [])
      const found = await list({ operations: ['DeleteUser'], from: timeOf(2_400), to: timeOf(2_600) })
      assert.deepEqual([found.items[0]?.id, found.total, found.more], [rare.id, 1, false])
      assert.deepEqual(
        timesOf(await list({ to: timeOf(2_500) }, 1)),
        [2, 3, 4].map((i) => timeOf(2_501 - i)),
      )
    })
  })
}
