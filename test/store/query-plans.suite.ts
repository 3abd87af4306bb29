import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Condition, EVERYTHING } from '../../src/model/conditions.ts'
import { newId } from '../../src/model/ids.ts'
import type { QueryBuilder, Tx, UserArea, UserIndex } from '../../src/store/port.ts'
import { selectChangesAfter } from '../../src/store/users/changed-users.ts'
import { selectUserPage, selectUsersAfter } from '../../src/store/users/user-pages.ts'
import type { UserFields } from '../../src/store/users/user-sql.ts'
import { addOrganization, addProvider, insertUser } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** What a plan must not have: a table without an index, or a sort of what an index could order. */
const SLOW =
  /SCAN users(?! USING)|USE TEMP B-TREE FOR ORDER BY|Seq Scan on (users|memberships|organizations)|^ *Sort Key/m

/** How to see the plans of an engine. */
export interface Engine {
  /** The beginning of a statement that explains another one. */
  readonly explain: string
  /** Keeps the engine from reading a table as a whole because it has few rows. */
  readonly prepare?: string | undefined
  /** What the plan of a search of very many users has. With few rows, PostgreSQL does not use its index. */
  readonly searches: RegExp
}

/** The plans of the queries behind lists. */
export function queryPlansSuite(open: OpenStore, engine: Engine): void {
  describe('plans of the queries of lists', () => planTests(open, engine))
}

/** Runs work in a transaction, and returns the plan of each query that it runs. */
export async function explainAll(
  tx: Tx,
  { explain, prepare }: Engine,
  work: (tx: Tx) => Promise<unknown>,
): Promise<string[]> {
  const run = (text: string, parameters: readonly unknown[], node: object) =>
    tx.query<Record<string, unknown>>(() => ({
      compile: () => ({ sql: text, parameters, query: node, queryId: { queryId: '1' } }) as never,
    }))
  if (prepare) await run(prepare, [], { kind: 'SelectQueryNode' })
  const plans: string[] = []
  const query = async (build: (db: QueryBuilder) => ReturnType<Parameters<Tx['query']>[0]>) => {
    let compiled = { sql: '', parameters: [] as readonly unknown[], query: {} }
    const rows = await tx.query((db) => {
      const built = build(db)
      compiled = built.compile()
      return built
    })
    const plan = await run(`${explain} ${compiled.sql}`, compiled.parameters, compiled.query)
    plans.push(plan.map((row) => row.detail ?? row['QUERY PLAN']).join('\n'))
    return rows
  }
  const all: Tx['all'] = async (statement, params) =>
    query((db) => statement.build(db, params)) as ReturnType<typeof tx.all<never, never>>
  const unrecorded: Partial<UserIndex> = {
    findUsers: (_, area, search) => tx.userIndex.findUsers(tx, area, search),
    searchUsers: (_, search, request) => tx.userIndex.searchUsers(tx, search, request),
  }
  const recorder = Object.create(tx, {
    query: { value: query },
    queryArrays: {
      value: async (build: Parameters<Tx['queryArrays']>[0]) =>
        (await query(build as Parameters<Tx['query']>[0])).map((row) => Object.values(row as object)),
    },
    all: { value: all },
    get: { value: async (...words: Parameters<Tx['get']>) => (await all(...words))[0] },
    userIndex: { value: { ...tx.userIndex, ...unrecorded } },
  }) as Tx
  await work(recorder)
  return plans
}

/** Leaves out of a plan of PostgreSQL what sorts few rows: those with the same first column, or those of one page. */
function withoutSmallSorts(plan: string): string {
  return plan
    .replace(/Sort Key.*\n *Presorted/g, 'Presorted')
    .replace(/^Sort [^\n]*\n *Sort Key[^\n]*\n(?=.*-> {2}Limit)/s, '')
}

function planTests(open: OpenStore, engine: Engine): void {
  /** On PostgreSQL, a plan that reads no rows. SQLite compares what the index has before it reads a row. */
  const along = (index: string): RegExp => new RegExp(engine.prepare ? `Index Only Scan .*${index}` : index)

  test('every list of very many users is read in the order of an index', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const [customer, reseller] = [
      await addOrganization(store, provider, 'customer'),
      await addOrganization(store, provider, 'reseller'),
    ]
    const names = { firstName: 'Ada', lastName: null, email: null }
    await store.write((tx) => insertUser(tx, { id: newId(), organizationPk: customer.pk, ...names }))
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 10))
    // As if there were very many, of each area.
    const total = { total: 1_000_000, provider_pk: provider.pk }
    await store.write((tx) => tx.query((db) => db.updateTable('user_totals').set(total)))
    for (const [organization_pk, deleted] of [
      [0, 1],
      [reseller.pk, 0],
      [reseller.pk, 1],
    ] as const)
      await store.write((tx) =>
        tx.query((db) =>
          db.insertInto('user_totals').values({ organization_pk, reseller_pk: 0, deleted, ...total }),
        ),
      )
    const lists: [
      string,
      RegExp,
      Partial<UserArea>,
      { by?: 'email'; deleted?: boolean; where?: Condition<UserFields> },
    ][] = [
      ['all', /users_name/, {}, {}],
      ['by e-mail', /users_email/, {}, { by: 'email' }],
      ['of an organization', /users_of_organization/, { organizationPk: customer.pk }, {}],
      ['of a reseller', along('users_name'), { resellerPk: reseller.pk }, {}],
      ['deleted', /users_deleted/, {}, { deleted: true }],
      ['deleted, of a reseller', along('users_deleted'), { resellerPk: reseller.pk }, { deleted: true }],
      [
        'deleted, with words',
        along('users_deleted'),
        {},
        { deleted: true, where: { field: 'text', contains: 'ada' } },
      ],
      ['short words', along('users_name'), {}, { where: { field: 'text', contains: 'a' } }],
      ['groups', /memberships_|user_search_name/, {}, { where: { field: 'group', in: [1, 2] } }],
      ['few are found', /users|PRIMARY KEY/, {}, { where: { field: 'text', contains: 'ada' } }],
    ]
    for (const [name, index, area, { by = 'name', deleted = false, where = EVERYTHING }] of lists)
      for (const ascending of [true, false]) {
        const criteria = { area: { providerPk: provider.pk, ...area }, deleted, where, beingDeleted: [] }
        const cut = { order: { by, ascending }, page: { offset: 0, limit: 25 } } as const
        const plans = await store.read((tx) =>
          explainAll(tx, engine, (on) => selectUserPage(on, criteria, cut)),
        )
        const [, ...ofUsers] = plans
        assert.match(ofUsers.join('\n'), index, name)
        if (!['few are found', 'groups'].includes(name))
          assert.doesNotMatch(withoutSmallSorts(ofUsers[0] ?? ''), SLOW, name)
      }
    const area = { providerPk: provider.pk }
    const after = { at: '2026-11-22T08:00:00.000Z', pk: 1 }
    const changes = await store.read((tx) =>
      explainAll(tx, engine, (on) => selectChangesAfter(on, area, { after, limit: 25, beingDeleted: [] })),
    )
    assert.match(changes.join(), /users_changed/)
    assert.doesNotMatch(changes.join(), SLOW)
    const ofCustomer = {
      area: { ...area, organizationPk: customer.pk },
      deleted: false,
      where: EVERYTHING,
      beingDeleted: [],
    }
    const stream = await store.read((tx) =>
      explainAll(tx, engine, (on) =>
        selectUsersAfter(on, ofCustomer, { after: { key: 'a', id: 'b' }, limit: 25 }),
      ),
    )
    assert.match(stream[0] ?? '', /users_of_organization/)
    assert.doesNotMatch(stream[0] ?? '', SLOW)
  })
  test('a search that finds very many users reads what it finds, and not the list', async () => {
    const store = await open()
    const provider = await addProvider(store)
    const customer = await addOrganization(store, provider, 'customer')
    // Few of them are found: PostgreSQL reads the list if most are.
    for (let i = 0; i < 40; i++)
      await store.write((tx) =>
        insertUser(tx, {
          id: newId(),
          organizationPk: customer.pk,
          firstName: i < 3 ? `Ada ${i}` : 'Grace',
          lastName: null,
          email: null,
        }),
      )
    await store.write((tx) => tx.userIndex.enlistUsers(tx, 100))
    for (const by of ['name', 'email'] as const)
      for (const ascending of [true, false])
        for (const offset of [0, 1]) {
          const search = { providerPk: provider.pk, words: ['ada'], groups: [] }
          const page = { order: { by, ascending }, offset, limit: 25 }
          const plans = await store.read((tx) =>
            explainAll(tx, engine, (on) => on.userIndex.searchPage(on, search, page)),
          )
          assert.match(plans.at(-1) ?? '', engine.searches)
          const skipping = plans.slice(0, -1).join('\n')
          assert.doesNotMatch(skipping, /TEMP B-TREE|Seq Scan on users/)
        }
  })
}
