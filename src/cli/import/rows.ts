import { unescapeCell } from '../../csv.ts'
import { MAX_ROW_BYTES, readJsonRows } from '../../directory/imports/json-rows.ts'
import { type Line, readLines } from '../../lines.ts'
import {
  newUnreadableRow,
  type PersonRow,
  ROW_MEMBERS,
  type RowMember,
  toTextRow,
} from '../../model/person-rows.ts'
import { fits, parseCsvRecord, readCsvRecords } from './csv-records.ts'
import { FileError, type FileProfile, readBytes } from './file.ts'

/** A file that is being read: what its header says, and its rows. */
export interface RowFile {
  /** The columns of a CSV file that no member of a person has. */
  readonly ignored: readonly string[]
  /** Whether rows can name their organization: the file has a column `customerId`, or is NDJSON. */
  readonly hasOrganizations: boolean
  /** The rows of the file, some at a time. */
  readonly rows: AsyncGenerator<PersonRow[]>
  /** Returns how many bytes of the file have been read. */
  readonly place: () => number
  /** Closes the file. To be called in any case. */
  readonly close: () => Promise<void>
}

/**
 * Opens a profiled file. Its memory does not depend on its size.
 * @throws {FileError} if its header names no e-mail, or a member twice
 */
export async function openRows(profile: FileProfile): Promise<RowFile> {
  let read = 0
  const place = (): number => read
  const bytes = readBytes(profile, (chunk) => {
    read += chunk
  })
  if (profile.format === 'ndjson') {
    const rows = readJsonRows(bytes)
    const close = async (): Promise<void> => {
      await rows.return(undefined)
    }
    return { ignored: [], hasOrganizations: true, rows, place, close }
  }
  const lines = readLines(bytes, { maxBytes: MAX_ROW_BYTES, end: profile.lineEnd })
  const decode = newDecode(profile)
  const header = await readHeader(lines, decode, profile.path).catch(async (error) => {
    // Closes the file.
    await lines.return(undefined)
    throw error
  })
  const rows = readTextRows(header, readCsvRecords(prepend(header.rest, lines), { ...header, decode }))
  const hasOrganizations = header.members.includes('customerId')
  const close = async (): Promise<void> => {
    await rows.return(undefined)
    // A generator that has not begun closes nothing.
    await lines.return(undefined)
  }
  return { ignored: header.ignored, hasOrganizations, rows, place, close }
}

/** Decodes one line: both encodings have line breaks and quotes in one byte. */
function newDecode({ encoding }: FileProfile): (bytes: Buffer) => string {
  if (encoding !== 'windows-1252') return (bytes) => bytes.toString('utf8')
  const decoder = new TextDecoder(encoding)
  return (bytes) => decoder.decode(bytes)
}

interface Header {
  readonly delimiter: string
  readonly columns: number
  /** The member of each column; undefined for one that is ignored. */
  readonly members: readonly (RowMember | undefined)[]
  readonly ignored: readonly string[]
  /** The lines after the header that were read with it. */
  readonly rest: readonly Line[]
}

const DELIMITERS = [',', ';', '\t'] as const

/** Reads the header, and finds the delimiter: the one that makes it name the most members. */
async function readHeader(
  batches: AsyncGenerator<Line[]>,
  decode: (bytes: Buffer) => string,
  path: string,
): Promise<Header> {
  for (let batch = await batches.next(); !batch.done; batch = await batches.next()) {
    const at = batch.value.findIndex(({ bytes }) => bytes === null || decode(bytes).trim() !== '')
    if (at < 0) continue
    const bytes = batch.value[at]?.bytes
    const text = bytes ? decode(bytes).trim() : ''
    // Excel writes and reads this line, to say which delimiter a file has.
    const [, named] = /^sep=([,;\t])$/i.exec(text) ?? []
    const rest = batch.value.slice(at + 1)
    if (named !== undefined) return readHeader(prepend(rest, batches), decode, path)
    return { ...toHeader(text, path), rest }
  }
  throw new FileError(`${path} is empty: the first line must name the columns, for example ${EXAMPLE}`)
}

const EXAMPLE = 'firstName,lastName,email,groups'

function toHeader(text: string, path: string): Omit<Header, 'rest'> {
  const [best] = DELIMITERS.map((delimiter) => {
    const cells = parseCsvRecord(text, delimiter) ?? []
    const members: readonly (RowMember | undefined)[] = cells.map(toMember)
    return { delimiter, cells, members, count: members.filter(Boolean).length }
  }).sort((one, other) => other.count - one.count)
  if (!best) throw new Error('there is no delimiter')
  const { delimiter, cells, members } = best
  if (!members.includes('email')) throw new FileError(`${path} ${explainNoEmail(text)}`)
  const repeated = members.find((member, i) => member && members.indexOf(member) !== i)
  if (repeated) throw new FileError(`${path} has two columns ${repeated}: keep one of them`)
  const ignored = cells.filter((cell, i) => !members[i] && cell !== '')
  return { delimiter, columns: cells.length, members, ignored }
}

/** Control characters: of a workbook, an archive, or UTF-16 without a byte-order mark. */
const CONTROL = /[\p{Cc}--\s]/v

/** Says why a first line names no e-mail, and what to do. */
function explainNoEmail(text: string): string {
  if (CONTROL.test(text)) return 'is not a text file: save it as CSV with the encoding UTF-8'
  if (text.startsWith('['))
    return 'begins like a JSON array: write one object a line, without brackets around them'
  return `has no column email: its first line must name the columns, for example ${EXAMPLE}`
}

/** Finds the member that a column names: in any case, also with blanks, hyphens or underscores (`First name`). */
function toMember(cell: string): RowMember | undefined {
  const name = cell.replace(/[\s_-]/g, '').toLowerCase()
  return ROW_MEMBERS.find((member) => member.toLowerCase() === name)
}

async function* prepend(first: readonly Line[], others: AsyncGenerator<Line[]>): AsyncGenerator<Line[]> {
  if (first.length > 0) yield [...first]
  yield* others
}

async function* readTextRows(
  { columns, members }: Header,
  batches: ReturnType<typeof readCsvRecords>,
): AsyncGenerator<PersonRow[]> {
  const [email, firstName, lastName] = [
    members.indexOf('email'),
    members.indexOf('firstName'),
    members.indexOf('lastName'),
  ]
  const [groups, id, customerId] = [
    members.indexOf('groups'),
    members.indexOf('id'),
    members.indexOf('customerId'),
  ]
  const read = (cells: readonly string[], column: number): string | undefined =>
    column < 0 ? undefined : unescapeCell(cells[column] ?? '')
  for await (const records of batches) {
    yield records.map(({ line, cells, fault }) => {
      if (fault !== undefined) return newUnreadableRow(line, fault)
      if (!fits(cells, columns))
        return newUnreadableRow(line, `has ${cells.length} cells, but the header has ${columns}`)
      return toTextRow(line, {
        email: read(cells, email),
        firstName: read(cells, firstName),
        lastName: read(cells, lastName),
        groups: read(cells, groups),
        id: read(cells, id),
        customerId: read(cells, customerId),
      })
    })
  }
}
