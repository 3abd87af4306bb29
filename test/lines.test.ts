import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLines } from '../src/lines.ts'

type Read = (string | null)[]

async function read(chunks: readonly Buffer[], maxBytes: number): Promise<Read> {
  const lines: Read = []
  for await (const batch of readLines(chunks, { maxBytes }))
    for (const { number, bytes } of batch) {
      assert.equal(number, lines.length + 1)
      lines.push(bytes === null ? null : bytes.toString('latin1'))
    }
  return lines
}

test('lines are the same however the bytes are cut into chunks; those over the limit are dropped', async () => {
  const part = fc.string({ unit: fc.constantFrom('a', '\n', '\r', 'b'), maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 12 }), async (parts) => {
      const all = parts.join('').split('\n')
      if (all.at(-1) === '') all.pop()
      const expected = all.map((line) => (line.length > 5 ? null : line))
      assert.deepEqual(
        await read(
          parts.map((text) => Buffer.from(text)),
          5,
        ),
        expected,
      )
    }),
  )
})
