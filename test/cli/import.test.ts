import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Ended, type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
const files = newDataDir()
let init: Init
before(async () => {
  init = await initialise(path)
})
after(() => {
  remove()
  files.remove()
})

let written = 0
/** Writes a file; returns its path. */
function write(content: string): string {
  const file = join(files.path, `people-${++written}`)
  writeFileSync(file, content)
  return file
}

const run = (...args: string[]): Promise<Ended> => runUsher(path, args)
const json = <T>(...args: string[]): Promise<T> => usherJson<T>(path, args)

interface Line {
  readonly line?: number
  readonly status?: string
  readonly id?: string
  readonly import?: string
  readonly [name: string]: unknown
}

/** Imports with --json; returns the lines, and the summary. */
async function imported(
  file: string,
  ...args: string[]
): Promise<{ rows: Line[]; summary: Line; ended: Ended }> {
  const ended = await run('user', 'import', file, '--json', ...args)
  const lines = ended.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
  return { rows: lines.slice(0, -1), summary: lines.at(-1) ?? {}, ended }
}

async function addCustomer(): Promise<string> {
  return (await json<{ id: string }>('organization', 'add', '--kind', 'customer', '--name', 'Buyer')).id
}

interface Person {
  readonly id: string
  readonly email: string
  readonly firstName: string | null
  readonly lastName: string | null
  readonly groups: readonly string[]
}

async function listPeople(organization: string): Promise<unknown[][]> {
  const people = await json<Person[]>('user', 'list', '--organization', organization)
  return people.map((one) => [one.email, one.firstName, one.lastName, one.groups.join('|')]).sort()
}

const CSV = `firstName,lastName,email,groups
Ada,Lovelace,ada@x.example,Administrator
Bob,,bob@x.example,Viewer|Alert Manager
Eve,,no,Nobody
Ada,Other,ADA@x.example,Administrator
Bob,,bob@x.example,Alert Manager|Viewer
`
const STATUSES = ['created', 'created', 'invalid', 'conflict', 'unchanged']

test('a plan says what an import would do, and changes nothing; the import does it', async () => {
  const organization = await addCustomer()
  const file = write(CSV)
  const plan = await imported(file, '--organization', organization, '--plan')
  assert.deepEqual(
    plan.rows.map(({ status }) => status),
    STATUSES,
  )
  assert.deepEqual(await listPeople(organization), [])
  const { rows, summary, ended } = await imported(file, '--organization', organization)
  assert.deepEqual(
    rows.map(({ status }) => status),
    STATUSES,
  )
  assert.deepEqual([ended.code, plan.ended.code], [1, 1])
  const counts = { created: 2, restored: 0, changed: 0, unchanged: 1, invalid: 1, conflict: 1 }
  assert.deepEqual(plan.summary, { plan: true, ...counts })
  assert.deepEqual(summary, { import: summary.import, ended: true, ...counts })
  assert.deepEqual(rows[2]?.errors, [
    { propertyName: 'email', description: ['must be an e-mail address'] },
    { propertyName: 'groups[0]', description: ['is not a group: Nobody'] },
  ])
  assert.deepEqual(await listPeople(organization), [
    ['ada@x.example', 'Ada', 'Lovelace', 'Administrator'],
    ['bob@x.example', 'Bob', null, 'Alert Manager|Viewer'],
  ])
})

test('text shows rows with problems, or with --rows all of them, and how to undo', async () => {
  const organization = await addCustomer()
  const file = write(CSV)
  const { code, stdout, stderr } = await run('user', 'import', file, '--organization', organization, '--rows')
  assert.deepEqual([code, stderr], [1, ''])
  assert.match(stdout, /^line 2: created [0-9a-f-]{36}\n/)
  assert.match(
    stdout,
    /\nline 4: invalid: email must be an e-mail address; groups\[0\] is not a group: Nobody\n/,
  )
  assert.match(stdout, /\n2 created, 1 unchanged, 1 invalid, 1 conflict\n.*usher import undo /)
  const again = await run('user', 'import', file, '--organization', organization)
  assert.match(again.stdout, /^line 4: invalid[^\n]*\nline 5: conflict[^\n]*\n3 unchanged/)
  assert.doesNotMatch(again.stdout, /undo/)
})

test('rows change what they have: absent columns stay, empty cells clear, a deleted person comes back', async () => {
  const organization = await addCustomer()
  const at = ['--organization', organization]
  const first = write(
    'firstName,lastName,email,groups\nAda,L,a@x.example,Viewer\nBob,M,b@x.example,Viewer\nCleo,N,c@x.example,\n',
  )
  const { rows } = await imported(first, ...at)
  await run('user', 'delete', String(rows[2]?.id))
  const second = write('email;firstName\nA@x.example;\nb@x.example;Bob\nc@x.example;Zoe\n')
  for (const extra of [['--plan'], []]) {
    const { rows } = await imported(second, ...at, ...extra)
    assert.deepEqual(
      rows.map(({ status }) => status),
      ['changed', 'unchanged', 'restored'],
    )
  }
  assert.deepEqual(await listPeople(organization), [
    ['A@x.example', null, 'L', 'Viewer'],
    ['b@x.example', 'Bob', 'M', 'Viewer'],
    ['c@x.example', 'Zoe', 'N', ''],
  ])
})

test('conflicts: a taken id, another id than the person has, and the last Administrator', async () => {
  const organization = await addCustomer()
  const at = ['--organization', organization]
  await imported(write('email,groups\nadmin@x.example,Administrator\n'), ...at)
  const file = write(
    `email,groups,id\nnew@x.example,,${init.customer.id}\nadmin@x.example,Administrator,${crypto.randomUUID()}\nADMIN@x.example,Viewer,\n`,
  )
  for (const extra of [['--plan'], []]) {
    const { rows } = await imported(file, ...at, ...extra)
    assert.deepEqual(
      rows.map(({ status, errors }) => [status, (errors as { propertyName: string }[])[0]?.propertyName]),
      [
        ['conflict', 'id'],
        ['conflict', 'id'],
        ['conflict', 'groups'],
      ],
    )
  }
})

test('an undo takes back what has not been changed since, and says what it kept', async () => {
  const organization = await addCustomer()
  const at = ['--organization', organization]
  const before = await imported(
    write('firstName,email,groups\nOld,old@x.example,Viewer\nBoss,boss@x.example,Administrator\n'),
    ...at,
  )
  assert.equal(before.ended.code, 0)
  const { rows, summary } = await imported(
    write(
      'firstName,email,groups\nNew,old@x.example,\nOne,one@x.example,\nTwo,two@x.example,\nThree,three@x.example,Administrator\n',
    ),
    ...at,
  )
  assert.deepEqual(
    rows.map(({ status }) => status),
    ['changed', 'created', 'created', 'created'],
  )
  await run('user', 'change', String(rows[2]?.id), '--first-name', 'Changed')
  const id = String(summary.import)
  const { code, stdout } = await run('import', 'undo', id)
  assert.equal(code, 1)
  assert.match(stdout, /^line 4: kept [0-9a-f-]{36}: was changed since\n2 deleted, 1 changed back, 1 kept\n$/)
  assert.deepEqual(await listPeople(organization), [
    ['boss@x.example', 'Boss', null, 'Administrator'],
    ['old@x.example', 'Old', null, 'Viewer'],
    ['two@x.example', 'Changed', null, ''],
  ])
  assert.match((await run('import', 'undo', id)).stderr, /has been undone already/)
  const [shown] = (await json<{ id: string; state: string }[]>('import', 'list')).filter(
    (one) => one.id === id,
  )
  assert.equal(shown?.state, 'undone')
  assert.match((await run('import', 'show', id)).stdout, /^State: +undone$/m)
  assert.match((await run('import', 'resume', id)).stderr, /has been undone: import its file again/)
  const entries = await json<{ operation: string; outcome: string }[]>(
    'audit',
    'list',
    '--operation',
    'UndoImport',
  )
  assert.deepEqual(
    entries.map(({ outcome }) => outcome),
    ['job_ended', 'ended', 'begun'],
  )
})

test('the last Administrator stays when an import is undone', async () => {
  const organization = await addCustomer()
  const { summary } = await imported(
    write('email,groups\nonly@x.example,Administrator\n'),
    '--organization',
    organization,
  )
  const { stdout } = await run('import', 'undo', String(summary.import))
  assert.match(
    stdout,
    /^line 2: kept \S+: The groups must keep Administrator.*\n0 deleted, 0 changed back, 1 kept/,
  )
})

test('an undo gives Administrator back before it takes it away', async () => {
  const organization = await addCustomer()
  const at = ['--organization', organization]
  const rows = (ada: string, bob: string) =>
    write(`email,groups\nada@x.example,${ada}\nbob@x.example,${bob}\n`)
  await imported(rows('', 'Administrator'), ...at)
  const { summary } = await imported(rows('Administrator', ''), ...at)
  const { code, stdout } = await run('import', 'undo', String(summary.import))
  assert.deepEqual([code, stdout], [0, '0 deleted, 2 changed back, 0 kept\n'])
  assert.deepEqual(await listPeople(organization), [
    ['ada@x.example', null, null, ''],
    ['bob@x.example', null, null, 'Administrator'],
  ])
})

test('an export is read back without a change, and makes the same people in another directory', async () => {
  const organization = await addCustomer()
  const people = [
    { firstName: '=1+1', lastName: 'a,"b";\nc', email: '+x@x.example', groups: ['Viewer', 'Alert Manager'] },
    { firstName: ' spaces ', lastName: null, email: 'y@x.example', groups: null },
    { firstName: "'=quoted", lastName: 'Ünï', email: 'Z@x.example', groups: [] },
  ]
  await imported(write(people.map((one) => JSON.stringify(one)).join('\n')), '--organization', organization)
  const other = newDataDir()
  try {
    const { customer } = await usherJson<Init>(other.path, ['init'])
    for (const form of [[], ['--json']]) {
      const { stdout, code } = await run('user', 'export', '--organization', organization, ...form)
      assert.equal(code, 0)
      const { rows, ended } = await imported(write(stdout))
      assert.deepEqual(
        [ended.code, ...rows.map(({ status }) => status)],
        [0, 'unchanged', 'unchanged', 'unchanged'],
      )
      const file = write(stdout.replaceAll(organization, ''))
      const there = await runUsher(other.path, [
        'user',
        'import',
        file,
        '--organization',
        customer.id,
        '--json',
      ])
      assert.match(there.stdout, form.length > 0 ? /"unchanged":3/ : /"created":3/)
    }
  } finally {
    other.remove()
  }
})

test('a file without organizations, an unknown one, and a file that cannot be read are refused', async () => {
  const file = write('email\na@x.example\n')
  const nowhere = await run('user', 'import', file)
  assert.equal(nowhere.code, 2)
  assert.match(nowhere.stderr, /'--organization <id>' or a column customerId/)
  const absent = await run('user', 'import', file, '--organization', crypto.randomUUID())
  assert.deepEqual([absent.code, absent.stdout], [1, ''])
  assert.match(absent.stderr, /no organization with the id/)
  const exported = await run('user', 'export', '--organization', crypto.randomUUID())
  assert.deepEqual([exported.code, exported.stdout], [1, ''])
  const missing = await run('user', 'import', `${file}.missing`, '--organization', init.customer.id)
  assert.match(missing.stderr, /^usher: .*\.missing cannot be read: ENOENT/)
  const { rows } = await imported(
    write(`email,customerId\na@x.example,${crypto.randomUUID()}\nb@x.example,\n`),
  )
  assert.deepEqual(
    rows.map(({ errors }) => errors),
    [
      [{ propertyName: 'customerId', description: ['is not the id of a customer'] }],
      [{ propertyName: 'customerId', description: ['must not be empty'] }],
    ],
  )
  const ignored = await run(
    'user',
    'import',
    write('email,shoe\nq@x.example,44\n'),
    '--organization',
    init.customer.id,
  )
  assert.equal(ignored.stderr, 'usher: ignored columns: shoe\n')
})

test('everyone of a customer whose tenant says so gets an account with the import', async () => {
  const organization = await addCustomer()
  await run('tenant', 'create', '--customer', organization, '--accounts', 'everyone')
  const { rows } = await imported(write('email\nacc@x.example\n'), '--organization', organization)
  const shown = await run('user', 'show', String(rows[0]?.id), '--json')
  assert.match(shown.stdout, /"accounts": \[\s*\{/)
})
