import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { applyBulkRows, beginBulk } from '../../src/directory/imports/bulk.ts'
import { ImportPlan } from '../../src/directory/imports/plan.ts'
import { deleteUser, suspendUser } from '../../src/directory/user-changes.ts'
import { newId } from '../../src/model/ids.ts'
import type { RowResult } from '../../src/model/imports.ts'
import { toJsonRow } from '../../src/model/person-rows.ts'
import { addOrganization, newTestDirectory, type TestDirectory } from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

type Row = Readonly<Record<string, unknown>>

/** Everything that happens to one new customer: rows that came before, what was done to their users, and a file. */
interface Scenario {
  readonly before: readonly Row[]
  readonly changes: readonly ('nothing' | 'delete' | 'suspend')[]
  readonly file: readonly Row[]
  /** The rows of each step. */
  readonly step: number
}

const ADMINISTRATOR = ['Administrator']

/** Plans the file of a scenario, and imports it. Returns both results as texts. */
async function planAndImport(
  on: TestDirectory,
  { before, changes, file, step }: Scenario,
): Promise<string[][]> {
  const { dir, operator } = on
  const customer = await addOrganization(on, 'customer')
  const target = { organizationId: customer.id, resellerId: null }
  const ids = [newId(), newId()]
  const toRows = (rows: readonly Row[]) =>
    rows.map(({ id, ...row }, i) =>
      toJsonRow(i + 1, { ...row, ...(id !== undefined && { id: ids[Number(id)] }) }),
    )
  const first = await beginBulk(dir, operator, target)
  for (const [i, { id, status }] of (
    await applyBulkRows(dir, operator, { call: first, rows: toRows(before) })
  ).entries()) {
    if (id === null || status !== 'created') continue
    const request = { user: id, force: true }
    if (changes[i] === 'delete') await deleteUser(dir, operator, request)
    if (changes[i] === 'suspend') await suspendUser(dir, operator, request)
  }
  const plan = new ImportPlan(dir, operator, target)
  const call = await beginBulk(dir, operator, target)
  const rows = toRows(file)
  const planned = await plan.plan(rows)
  const done: RowResult[] = []
  for (let at = 0; at < rows.length; at += step)
    done.push(...(await applyBulkRows(dir, operator, { call, rows: rows.slice(at, at + step) })))
  return [planned, done].map((results) =>
    results.map(({ line, status, issues }) => {
      const reasons = issues.map(({ path, message }) => `${path} ${message}`)
      return [line, status, ...reasons].join(' ')
    }),
  )
}

const email = (name: string): string => `${name}@x.example`

/** Rows whose result depends on the rows before them. */
const SCENARIOS: Readonly<Record<string, { scenario: Partial<Scenario>; statuses: string }>> = {
  'a demotion before the promotion of another user, who is first in the index': {
    scenario: {
      before: [{ email: email('zoe'), groups: ADMINISTRATOR }, { email: email('ada') }],
      file: [
        { email: email('zoe'), groups: [] },
        { email: email('ada'), groups: ADMINISTRATOR },
      ],
    },
    statuses: 'conflict changed',
  },
  'a demotion after the promotion of another user, who is last in the index': {
    scenario: {
      before: [{ email: email('ada'), groups: ADMINISTRATOR }, { email: email('zoe') }],
      file: [
        { email: email('zoe'), groups: ADMINISTRATOR },
        { email: email('ada'), groups: [] },
      ],
    },
    statuses: 'changed changed',
  },
  'a demotion before a new Administrator': {
    scenario: {
      before: [{ email: email('zoe'), groups: ADMINISTRATOR }],
      file: [
        { email: email('zoe'), groups: [] },
        { email: email('ada'), groups: ADMINISTRATOR },
        { email: email('zoe'), groups: [] },
      ],
    },
    statuses: 'conflict created changed',
  },
  'an Administrator who is restored by a row without groups': {
    scenario: {
      before: [
        { email: email('ada'), groups: ADMINISTRATOR },
        { email: email('zoe'), groups: ADMINISTRATOR },
      ],
      changes: ['delete'],
      file: [{ email: email('ada') }, { email: email('zoe'), groups: [] }],
    },
    statuses: 'restored changed',
  },
  'a row again, with fewer members': {
    scenario: {
      file: [
        { email: email('ada'), firstName: 'Ada', groups: [] },
        { email: email('ada'), lastName: '' },
      ],
    },
    statuses: 'created unchanged',
  },
  'a row again, with and without its id': {
    scenario: {
      file: [{ email: email('ada'), id: 0 }, { email: email('ada') }, { email: email('ada'), id: 1 }],
    },
    statuses: 'created unchanged conflict',
  },
  'a row after another one that was in conflict': {
    scenario: {
      before: [{ email: email('ada') }],
      file: [
        { email: email('ada'), id: 0 },
        { email: email('ada'), firstName: 'Ada' },
      ],
    },
    statuses: 'conflict changed',
  },
}

const rows = (maxLength: number) =>
  fc.array(
    fc.record(
      {
        email: fc.constantFrom(...['ada', 'bob', 'Ada', 'zoe'].map(email), 'none'),
        firstName: fc.constantFrom('A', 'B', '', null),
        lastName: fc.constantFrom('L', null),
        groups: fc.constantFrom([], ['Viewer'], ADMINISTRATOR, ['administrator', 'VIEWER'], null, ['Nobody']),
        id: fc.constantFrom(0, 1),
        customerId: fc.constantFrom(undefined, newId()),
      },
      { requiredKeys: ['email'] },
    ),
    { maxLength },
  )

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  before: rows(4),
  changes: fc.array(fc.constantFrom('nothing', 'delete', 'suspend'), { maxLength: 4 }),
  file: rows(8),
  step: fc.integer({ min: 1, max: 8 }),
})

/**
 * Tests that a plan says what the import of the same rows then does.
 * @param runs the number of random files
 */
export function importsPlanSuite(open: OpenStore, runs: number): void {
  describe('plans of imports', () => {
    test('rows whose result depends on earlier ones become what was planned, in whatever steps', async () => {
      const on = await newTestDirectory(open)
      for (const [name, { scenario, statuses }] of Object.entries(SCENARIOS))
        for (const step of [1, 8]) {
          const [planned = [], done = []] = await planAndImport(on, {
            before: [],
            changes: [],
            file: [],
            ...scenario,
            step,
          })
          assert.deepEqual(done, planned, name)
          assert.equal(done.map((text) => text.split(' ')[1]).join(' '), statuses, name)
        }
    })

    test('any rows become what was planned', async () => {
      const on = await newTestDirectory(open)
      const property = fc.asyncProperty(scenarios, async (scenario) => {
        const [planned, done] = await planAndImport(on, scenario)
        assert.deepEqual(done, planned)
      })
      await fc.assert(property, { numRuns: runs })
    })
  })
}
