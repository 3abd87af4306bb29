import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuditEntry } from '../../src/model/audit.ts'
import type { Organization } from '../../src/model/organizations.ts'
import { followAuditLog } from '../../src/store/audit/index-rows.ts'
import { type LogWalkFilter, selectLogWalk } from '../../src/store/audit/log-walks.ts'
import type { Store } from '../../src/store/port.ts'
import { addOrganization, addProvider, newEntry, putEntries } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** More entries than one call looks at. */
const MANY = 2_100
const ALL_TIME = { from: '0001-01-01T00:00:00.000Z', to: '9999-12-31T23:59:59.999Z' }

/** Walks through the audit log, from page to page. */
export function logWalksSuite(open: OpenStore): void {
  describe('walks through the audit log', () => walkTests(open))
}

interface Log {
  readonly store: Store
  readonly provider: Organization
  readonly customer: Organization
}

async function newLog(open: OpenStore): Promise<Log> {
  const store = await open()
  const provider = await addProvider(store)
  return { store, provider, customer: await addOrganization(store, provider, 'customer') }
}

/** Returns a time, some minutes after the first one. */
const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()

async function put({ store, customer }: Log, changes: readonly Partial<AuditEntry>[]): Promise<void> {
  const entries = changes.map((change) => newEntry({ organization: customer.id, ...change }))
  await putEntries(store, ...entries)
}

async function follow({ store }: Log): Promise<void> {
  await store.sealAudit()
  while ((await store.write((tx) => followAuditLog(tx, 1_000))) > 0);
}

/** Returns the targets of all entries that a walk finds, and how many calls it took. */
async function walk(
  { store, provider }: Log,
  filter: Partial<LogWalkFilter>,
  limit: number,
): Promise<{ targets: (string | null)[]; calls: number }> {
  const targets: (string | null)[] = []
  let after: Parameters<typeof selectLogWalk>[1]['after']
  for (let calls = 1; ; calls++) {
    assert.ok(calls < 100, 'the walk does not end')
    const request = { filter: { providerPk: provider.pk, ...ALL_TIME, ...filter }, after, limit }
    const page = await store.read((tx) => selectLogWalk(tx, request))
    targets.push(...page.items.map(({ target }) => target))
    after = page.next
    if (!after) return { targets, calls }
  }
}

function walkTests(open: OpenStore): void {
  test('entries whose times are not in their order are each found once, by any filter and in the tail', async () => {
    const log = await newLog(open)
    const caller = { kind: 'client', id: 'A' } as const
    const some = [5, 3, 4, 1, 2, 2].map((minute, i) => ({ target: `${i}`, at: at(minute), caller }))
    await put(log, some.slice(0, 4))
    await follow(log)
    for (const each of ['in the index', 'in the tail'] as const) {
      const count = each === 'in the index' ? 4 : 6
      if (each === 'in the tail') await put(log, some.slice(4))
      const filters: Partial<LogWalkFilter>[] = [
        {},
        { organization: log.customer.id },
        { callers: ['A', 'person:A'] },
        { outcome: 'created' },
        { operations: ['CreateUser'] },
      ]
      for (const filter of filters)
        for (const limit of [1, 2, 3, 10]) {
          const { targets } = await walk(log, filter, limit)
          const shown = `${each} ${JSON.stringify(filter)} ${limit}: ${targets}`
          assert.deepEqual(
            targets.toSorted(),
            some.slice(0, count).map(({ target }) => target),
            shown,
          )
        }
    }
  })

  test('old entries of a busy organization or caller are found behind its newer ones', async () => {
    const log = await newLog(open)
    const caller = { kind: 'client', id: 'A' } as const
    await put(log, [{ target: 'old', at: at(0), caller }])
    await put(
      log,
      Array.from({ length: MANY }, () => ({ target: 'new', at: at(10_000), caller })),
    )
    await follow(log)
    const keys: Partial<LogWalkFilter>[] = [{ organization: log.customer.id }, { callers: ['A', 'person:A'] }]
    for (const filter of keys) {
      assert.deepEqual((await walk(log, { ...filter, to: at(1) }, 50)).targets, ['old'])
      const late = await walk(log, { ...filter, from: at(9_999), outcome: 'nothing' }, 50)
      assert.deepEqual(late.targets, [])
      const all = await walk(log, filter, 200)
      assert.deepEqual([all.targets.length, all.targets.at(-1)], [MANY + 1, 'old'])
    }
  })

  test('a walk ends soon if nothing is in the time that it asks for', async () => {
    const log = await newLog(open)
    await put(
      log,
      Array.from({ length: MANY * 2 }, (_, i) => ({ target: 'x', at: at(i) })),
    )
    await follow(log)
    const organization = log.customer.id
    for (const time of [
      { from: at(MANY * 3), to: at(MANY * 4) },
      { from: '2025-01-01T00:00:00.000Z', to: '2025-02-01T00:00:00.000Z' },
      { from: at(10), to: at(12) },
    ]) {
      const { targets, calls } = await walk(log, { organization, ...time }, 50)
      assert.deepEqual([targets.length, calls], [time.from === at(10) ? 3 : 0, 1])
    }
  })
}
