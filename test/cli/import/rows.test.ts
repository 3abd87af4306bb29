import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { FileError, profileFile } from '../../../src/cli/import/file.ts'
import { openRows } from '../../../src/cli/import/rows.ts'
import { escapeCell } from '../../../src/csv.ts'
import type { PersonRow } from '../../../src/model/person-rows.ts'
import { newDataDir } from '../../../testing/usher.ts'

const { path: folder, remove } = newDataDir()
after(remove)
const file = join(folder, 'people')

/** Reads a file with this content, as an import does. */
async function read(content: string | Buffer): Promise<PersonRow[]> {
  writeFileSync(file, content)
  const { rows } = await openRows(await profileFile(file))
  const all: PersonRow[] = []
  for await (const some of rows) all.push(...some)
  return all
}

/** What a person's row says, with its reasons in place of a row that is wrong. */
function summarize({ line, email, firstName, lastName, groups, issues }: PersonRow): unknown[] {
  if (issues.length > 0) return [line, ...issues.map(({ path, message }) => `${path} ${message}`)]
  return [line, firstName, lastName, email, groups]
}

const readSummaries = async (content: string | Buffer): Promise<unknown[]> =>
  (await read(content)).map(summarize)

test('columns come in any order and case; absent ones are unchanged, empty cells are null or none', async () => {
  assert.deepEqual(await readSummaries('E-Mail,GROUPS,first_name\na@x.example,Viewer| Alert Manager |,\n'), [
    [2, null, undefined, 'a@x.example', ['Viewer', 'Alert Manager']],
  ])
  assert.deepEqual(await readSummaries('email,groups,lastName,shoe size\na@x.example,,"",44\n'), [
    [2, undefined, null, 'a@x.example', []],
  ])
  const [row] = await read(
    'id;customerId;email\n0198F3A1-0000-7000-8000-000000000001;0198F3A1-0000-7000-8000-000000000002;a@x.example',
  )
  assert.equal(row?.id, '0198f3a1-0000-7000-8000-000000000001')
  assert.equal(row?.organizationId, '0198f3a1-0000-7000-8000-000000000002')
})

test('every reason of a wrong row is named, with the line on which it begins; the others are read', async () => {
  const rows = await readSummaries(
    [
      'firstName,email,id,customerId',
      ',,,',
      '',
      'Ada,no address,1,2',
      'Bea,b@x.example',
      `${'x'.repeat(256)},,,`,
      '"Cleo\nlong",c@x.example,,',
      '"Dora,d@x.example,,',
      'Eve "the" first,e@x.example,,',
      '"Fay" x,f@x.example,,',
      'Gil,g@x.example,,,,',
      'Hal,h@x.example,,,more',
      `Ian,${'i'.repeat(17_000)}`,
      'Jo,j@x.example,,',
    ].join('\n'),
  )
  assert.deepEqual(rows, [
    [4, 'email must be an e-mail address', 'id must be a UUID', 'customerId must be a UUID'],
    [5, 'row has 2 cells, but the header has 4'],
    [6, 'firstName must have at most 255 characters; it has 256', 'email must not be empty'],
    [7, 'Cleo\nlong', undefined, 'c@x.example', undefined],
    [9, 'row has a quote that is not closed'],
    [10, 'Eve "the" first', undefined, 'e@x.example', undefined],
    [11, 'row is not CSV: text follows the closing quote of a cell'],
    [12, 'Gil', undefined, 'g@x.example', undefined],
    [13, 'row has 5 cells, but the header has 4'],
    [14, 'row is longer than 16 KiB'],
    [15, 'Jo', undefined, 'j@x.example', undefined],
  ])
})

test('a file without a column email, with one twice, or without anything is refused', async () => {
  for (const [content, message] of [
    ['', /is empty: the first line must name the columns/],
    ['\n \n', /is empty/],
    ['name,mail\na,b', /has no column email/],
    ['[{"email":"a@x.example"}]', /begins like a JSON array: write one object a line/],
    [Buffer.from('email\na@x.example', 'utf16le'), /is not a text file: save it as CSV/],
    ['PK\x03\x04\x14\0', /is not a text file/],
    ['email,E-mail\n', /has two columns email/],
  ] as const)
    await assert.rejects(read(content), (error) => error instanceof FileError && message.test(error.message))
  await assert.rejects(profileFile(folder), /is not a regular file/)
  await assert.rejects(profileFile(join(folder, 'missing')), /cannot be read: ENOENT/)
})

test('encodings: UTF-8 and UTF-16 with a byte-order mark, UTF-8 and Windows-1252 without', async () => {
  const text = 'firstName;email\r\nÉdouard;e@x.example\r\nJürgen “J” €;j@x.example\r\n'
  const expected = [
    [2, 'Édouard', undefined, 'e@x.example', undefined],
    [3, 'Jürgen “J” €', undefined, 'j@x.example', undefined],
  ]
  const windows = Buffer.from(text.replace('“', '\x93').replace('”', '\x94').replace('€', '\x80'), 'latin1')
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le')
  const swapped = Buffer.from(utf16).swap16()
  for (const content of [
    text,
    `\ufeff${text}`,
    windows,
    utf16,
    swapped,
    `sep=;\r\n${text}`,
    text.replaceAll('\r\n', '\r'),
  ]) {
    const rows = (await readSummaries(content)) as unknown[][]
    const shift = String(content).startsWith('sep=') ? 1 : 0
    assert.deepEqual(
      rows,
      expected.map(([line, ...rest]) => [(line as number) + shift, ...rest]),
    )
  }
})

test('NDJSON has the members of the partner portal; lines that are wrong say why', async () => {
  const rows = await readSummaries(
    [
      '{"email":"a@x.example","firstName":null,"groups":["Viewer",{"id":"g","name":"n"},{"name":"n"}],"role":{}}',
      ' ',
      '{"email":"b@x.example","groups":null}',
      '{"email":1,"firstName":[],"groups":[1,{}]}',
      '{"groups":{}}',
      '[]',
      'nonsense',
      `{"email":"${'\\u0061'.repeat(3000)}"}`,
      '{"email":"c@x.example","firstName":"\\ud800"}',
    ].join('\n'),
  )
  const group = 'must be a name, an id, or an object with an id'
  assert.deepEqual(rows, [
    [1, null, undefined, 'a@x.example', ['Viewer', 'g', 'n']],
    [3, undefined, undefined, 'b@x.example', []],
    [
      4,
      'firstName must be a string or null',
      'email must be a string or null',
      `groups[0] ${group}`,
      `groups[1] ${group}`,
    ],
    [5, 'groups must be an array or null', 'email must not be empty'],
    [6, 'row must be a JSON object'],
    [7, 'row is not JSON'],
    [8, 'row is longer than 16 KiB'],
    [9, 'firstName must not contain U+0000 or a lone surrogate'],
  ])
})

const character = fc.constantFrom(...'ab "\',;\t|=+-@éß€\n', '\r\n', '李', '🙂')
const name = fc.option(fc.string({ unit: character, minLength: 1, maxLength: 8 }))
const person = fc.record({ firstName: name, lastName: name, number: fc.nat(1000) })

/** Writes a cell as spreadsheets do, or with quotes that are not necessary. */
function writeCell(text: string, { delimiter, quoteAll }: { delimiter: string; quoteAll: boolean }): string {
  const needs = quoteAll || text.includes(delimiter) || /["\r\n]|^\s|\s$/.test(text)
  return needs ? `"${text.replaceAll('"', '""')}"` : text
}

test('what is written as CSV is read back, with any delimiter, line end, encoding and quotes', async () => {
  const form = fc.record({
    delimiter: fc.constantFrom(',', ';', '\t'),
    quoteAll: fc.boolean(),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    bom: fc.constantFrom('', '\ufeff'),
    utf16: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(person, { minLength: 1, maxLength: 8 }), form, async (people, how) => {
      const lines = people.map(({ firstName, lastName, number }) =>
        [firstName ?? '', lastName ?? '', `p${number}@x.example`]
          .map((text) => writeCell(escapeCell(text), how))
          .join(how.delimiter),
      )
      const header = ['firstName', 'lastName', 'email'].join(how.delimiter)
      const text = [header, ...lines].join(how.lineEnd)
      const content = how.utf16 ? Buffer.from(`\ufeff${text}`, 'utf16le') : how.bom + text
      const rows = await read(content)
      assert.deepEqual(
        rows.map(({ firstName, lastName, email, issues }) => ({ firstName, lastName, email, issues })),
        people.map(({ firstName, lastName, number }) => ({
          ...{ firstName, lastName, email: `p${number}@x.example`, issues: [] },
        })),
      )
    }),
    { numRuns: 150 },
  )
})

test('any bytes after a header give rows or reasons, in the order of the lines', async () => {
  const noise = fc.string({
    unit: fc.constantFrom('"', ',', '\n', 'a', ' ', '\r', '\u0000', 'é', '""\n'),
    maxLength: 60,
  })
  await fc.assert(
    fc.asyncProperty(noise, async (text) => {
      const rows = await read(`email,lastName\n${text}\nz@x.example,Last\n`)
      const lines = rows.map(({ line }) => line)
      assert.deepEqual(
        lines,
        [...new Set(lines)].sort((a, b) => a - b),
      )
      assert.ok(lines.every((line) => line >= 2))
    }),
    { numRuns: 300 },
  )
})

test('a cell that a spreadsheet would run is escaped, and read back as it was', () => {
  assert.equal(escapeCell('=1+1'), "'=1+1")
  assert.equal(escapeCell("'=1"), "''=1")
  assert.equal(escapeCell("o'neil"), "o'neil")
})
