import { isUtf8 } from 'node:buffer'
import { type Line, readLines } from '../../lines.ts'
import { newUnreadableRow, type PersonRow, toJsonRow } from '../../model/person-rows.ts'

/** The most bytes of a row. Every valid one fits, even if all of its characters are escaped. */
export const MAX_ROW_BYTES = 16 * 1024

/** Says why a row is refused that has more bytes. */
export const ROW_TOO_LONG = `is longer than ${MAX_ROW_BYTES / 1024} KiB`

/** Reads NDJSON: one person a line. Empty lines are left out. A byte-order mark is skipped. */
export async function* readJsonRows(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<PersonRow[]> {
  for await (const lines of readLines(chunks, { maxBytes: MAX_ROW_BYTES })) {
    const rows = lines.flatMap((line) => parseLine(line) ?? [])
    if (rows.length > 0) yield rows
  }
}

function parseLine({ number, bytes }: Line): PersonRow | undefined {
  if (!bytes) return newUnreadableRow(number, ROW_TOO_LONG)
  if (!isUtf8(bytes)) return newUnreadableRow(number, 'is not UTF-8')
  const text = bytes.toString('utf8').trim()
  if (text === '') return undefined
  try {
    return toJsonRow(number, JSON.parse(text))
  } catch {
    return newUnreadableRow(number, 'is not JSON')
  }
}
