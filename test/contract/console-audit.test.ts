import assert from 'node:assert/strict'
import { randomUUID as newId } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { engine } from '../../testing/environment.ts'
import { jsonOf } from '../../testing/http.ts'
import { type ConsoleClient, enterFirst, type Problem } from './console-client.ts'
import { addPeople, addPerson, type Role, type SignedIn } from './console-people.ts'
import { useOwnTarget } from './target.ts'

let grace: ConsoleClient
let people: Readonly<Record<Role, SignedIn>>
let foreign: { readonly reseller: string; readonly customer: string; readonly person: SignedIn }
const target = useOwnTarget({}, async () => {
  grace = await enterFirst(target)
  people = await addPeople(target, grace)
  const reseller = await target.operator.addReseller('other.example')
  const customer = await target.operator.addCustomer(reseller)
  const email = 'a@other.example'
  const person = await addPerson(target, grace, { organization: reseller, group: 'Administrator', email })
  foreign = { reseller, customer, person }
  await addUser(foreign.person, customer)
  await addUser(people['reseller administrator'], target.init.customer.id)
})

interface Entry {
  readonly id: string
  readonly at: string
  readonly operation: string
  readonly status: string
  readonly outcome: string
  readonly caller: { readonly id: string | null }
  readonly organization: { readonly id: string } | null
}

const addUser = (as: ConsoleClient, organization: string): Promise<{ id: string }> =>
  as.call('POST', `/organizations/${organization}/users`, {
    ...{ firstName: 'Ada', lastName: 'Line\nbreak\u2028', email: `${newId()}@x.example` },
  })

const isExport = ({ operation }: Entry): boolean => operation === 'ExportAudit'

async function exportAs(as: ConsoleClient, query = ''): Promise<Entry[]> {
  const response = await as.send('GET', `/audit/export${query}`)
  assert.equal(response.status, 200, response.text)
  assert.equal(response.headers['content-type'], 'application/x-ndjson; charset=utf-8')
  assert.equal(response.headers['content-disposition'], 'attachment; filename="usher-audit.ndjson"')
  assert.ok(response.text === '' || response.text.endsWith('\n'))
  return response.text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

async function listAs(as: ConsoleClient, query = '?limit=200'): Promise<Entry[]> {
  const items: Entry[] = []
  for (let after = ''; ; ) {
    const page = await as.call<{ items: Entry[]; next: string | null }>('GET', `/audit${query}${after}`)
    items.push(...page.items)
    if (page.next === null) return items
    after = `&after=${page.next}`
  }
}

test('an export has what the list has, for each role, and is itself in the log', async () => {
  for (const as of Object.values(people)) {
    const before = await listAs(as)
    const exported = await exportAs(as)
    assert.deepEqual(exported.slice(-before.length), before)
    const [own] = await listAs(as)
    assert.deepEqual(
      [own?.operation, own?.status, own?.outcome, own?.caller.id],
      ['ExportAudit', 'Succeeded', 'exported', as.id],
    )
  }
})

test('a reseller exports nothing of another reseller, whatever it asks for', async () => {
  const { reseller, customer, person } = foreign
  const as = people['reseller administrator']
  const text = JSON.stringify(await exportAs(as))
  for (const id of [reseller, customer, person.id]) assert.ok(!text.includes(id))
  for (const query of [`caller=${person.id}`, `target=${customer}`])
    assert.deepEqual(await exportAs(as, `?${query}`), [], query)
  assert.equal((await as.send('GET', `/audit/export?organization=${customer}`)).status, 404)
  const own = await exportAs(foreign.person, `?organization=${customer}&operation=createuser`)
  assert.equal(own.length, 1)
})

test('an export takes the filters of the list, and refuses what the list refuses', async () => {
  const { customer } = target.init
  const { id } = people['reseller administrator']
  for (const query of [
    'operation=CreateUser',
    'status=Failed',
    `organization=${customer.id}`,
    `caller=${id}`,
    'outcome=created&status=Succeeded',
    'until=2020-01-01T00:00:00Z',
  ])
    assert.deepEqual(
      (await exportAs(grace, `?${query}`)).filter((one) => !isExport(one)),
      (await listAs(grace, `?${query}&limit=200`)).filter((one) => !isExport(one)),
      query,
    )
  for (const query of [
    'since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z',
    'status=x',
    'caller=x',
    'since=x',
    'organization=x',
    'format=xlsx',
  ]) {
    const response = await grace.send('GET', `/audit/export?${query}`)
    assert.deepEqual([response.status, jsonOf<Problem>(response).code], [400, 'invalid'], query)
    assert.equal(response.headers['content-disposition'], undefined)
  }
})

test('an export that a link of another site begins is refused', async () => {
  const before = await listAs(grace, '?operation=ExportAudit&limit=200')
  const response = await grace.send('GET', '/audit/export', undefined, { 'sec-fetch-site': 'cross-site' })
  assert.deepEqual([response.status, jsonOf<Problem>(response).code], [403, 'cross_site'])
  assert.deepEqual(await listAs(grace, '?operation=ExportAudit&limit=200'), before)
})

test('an export as a table has the same entries, and no cell that a spreadsheet runs', async () => {
  const as = people['reseller administrator']
  const name = '=HYPERLINK("https://evil.example";"x")'
  const user = { firstName: name, lastName: 'Line\nbreak', email: `${newId()}@x.example` }
  await as.call('POST', `/organizations/${target.init.customer.id}/users`, user)
  const response = await as.send('GET', '/audit/export?format=csv&operation=CreateUser')
  assert.equal(response.headers['content-type'], 'text/csv; charset=utf-8')
  assert.equal(response.headers['content-disposition'], 'attachment; filename="usher-audit.csv"')
  type Row = Readonly<Record<string, string>>
  const rows: Row[] = parse(response.text, { columns: true, bom: true })
  const entries = await listAs(as, '?operation=CreateUser&limit=200')
  assert.deepEqual(
    rows.map(({ id, at, status, callerId, organizationId }) => [id, at, status, callerId, organizationId]),
    entries.map(({ id, at, status, caller, organization }) => [
      ...[id, at, status, caller.id ?? '', organization?.id ?? ''],
    ]),
  )
  assert.match(rows[0]?.targetName ?? '', /^'=HYPERLINK/)
  const forGermans = await as.send('GET', '/audit/export?format=csv&delimiter=semicolon&operation=CreateUser')
  assert.match(forGermans.text, /^\uFEFFat;operation;/)
  assert.deepEqual(parse(forGermans.text, { columns: true, bom: true, delimiter: ';' }), rows)
  const none = await as.send(
    'GET',
    '/audit/export?format=csv&operation=CreateUser&until=2020-01-01T00:00:00Z',
  )
  assert.match(none.text, /^\uFEFFat,operation,[^\n]+\n$/)
  const refused = await as.send('GET', '/audit/export?format=csv&status=x')
  assert.deepEqual([refused.status, jsonOf<Problem>(refused).code], [400, 'invalid'])
})

test('no part of a cell is a formula for a spreadsheet that expects the other delimiter', async () => {
  const as = people['reseller administrator']
  const user = { firstName: 'a;=1+1', lastName: 'b, "=2+2', email: `${newId()}@x.example` }
  await as.call('POST', `/organizations/${target.init.customer.id}/users`, user)
  for (const delimiter of ['comma', 'semicolon']) {
    const path = `/audit/export?format=csv&operation=CreateUser&delimiter=${delimiter}`
    const { text } = await as.send('GET', path)
    assert.match(text, /a;'=1\+1 b, ""'=2\+2/)
    for (const part of text.split(/[,;\n]/)) assert.doesNotMatch(part, /^["\s]*[=+@-]/)
  }
})

test('a log of many pages is exported whole and in order, while it grows', async () => {
  const viewer = people['provider viewer']
  const refuse = async (): Promise<void> => {
    const { status } = await viewer.send('POST', '/platform/retry', {})
    assert.equal(status, 403)
  }
  for (let i = 0; i < 9; i++) await Promise.all(Array.from({ length: 50 }, refuse))
  const before = await listAs(grace, '?operation=RetryAccounts&limit=200')
  const [exported] = await Promise.all([exportAs(grace), ...Array.from({ length: 20 }, refuse)])
  const retried = exported.filter(({ operation }) => operation === 'RetryAccounts')
  assert.equal(before.length, 450)
  assert.deepEqual(retried.slice(-before.length), before)
  assert.equal(new Set(exported.map(({ id }) => id)).size, exported.length)
  assert.deepEqual(
    exported.map(({ at }) => at),
    exported.map(({ at }) => at).sort((a, b) => (a < b ? 1 : a > b ? -1 : 0)),
  )
})

interface Verification {
  readonly running: { readonly done: number; readonly total: number } | null
  readonly last: {
    readonly caller: { readonly id: string; readonly name: string }
    readonly createdAt: string
    readonly endedAt: string
    readonly error: string | null
    readonly verdict: {
      readonly whole: boolean
      readonly entries: number
      readonly blocks: number
      readonly head: { readonly block: number; readonly hash: string }
      readonly faultCount: number
      readonly faults: readonly { readonly entry: string | null; readonly fault: string }[]
    } | null
  } | null
}

const VERIFICATION = '/audit/verification'

/** Waits until no verification runs, and returns the last one. */
async function getVerified(as: ConsoleClient): Promise<NonNullable<Verification['last']>> {
  for (;;) {
    const { running, last } = await as.call<Verification>('GET', VERIFICATION)
    if (!running) return last ?? assert.fail('no verification has ended')
    await pause(100)
  }
}

test('people of the provider verify the log, and get the last result', async () => {
  const viewer = people['provider viewer']
  assert.deepEqual(await grace.call('GET', VERIFICATION), { running: null, last: null })
  const begun = await Promise.all([1, 2, 3].map(() => viewer.send('POST', VERIFICATION)))
  assert.deepEqual(new Set(begun.map(({ status }) => status)), new Set([202]))
  const { caller, error, verdict, createdAt, endedAt } = await getVerified(grace)
  assert.deepEqual([caller.id, caller.name, error], [viewer.id, 'Viewer Okonkwo', null])
  assert.ok(createdAt <= endedAt)
  assert.deepEqual([verdict?.whole, verdict?.faultCount, verdict?.faults], [true, 0, []])
  assert.ok((verdict?.entries ?? 0) > 450 && verdict?.head.block === verdict?.blocks)
  const ofVerify = await listAs(grace, '?operation=VerifyAudit&limit=200')
  const outcomes = ofVerify.map(({ outcome }) => outcome)
  assert.ok(ofVerify.every(({ caller: { id } }) => id === viewer.id))
  // PostgreSQL does not order units, so that two of them may begin one.
  if (engine() === 'sqlite') assert.deepEqual(outcomes, ['whole', 'begun'])
  else assert.deepEqual(new Set(outcomes), new Set(['whole', 'begun']))
  const { status, text } = await people['reseller administrator'].send('GET', VERIFICATION)
  assert.ok(status === 403 && !text.includes(verdict?.head.hash ?? ''))
})

test('a verification that is begun twice with one idempotency key is one', async () => {
  const before = await getVerified(grace)
  const headers = { 'idempotency-key': newId() }
  await grace.call('POST', VERIFICATION, undefined, headers)
  const first = await getVerified(grace)
  await grace.call('POST', VERIFICATION, undefined, headers)
  assert.notEqual(first.createdAt, before.createdAt)
  assert.equal((await getVerified(grace)).createdAt, first.createdAt)
})
