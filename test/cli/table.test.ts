import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTable } from '../../src/cli/table.ts'

/** Columns that a terminal shows, for the characters of these tests. */
function columnOf(line: string, part: string): number {
  const before = line.slice(0, line.indexOf(part))
  return [...before.normalize('NFC')].reduce(
    (sum, one) => sum + (/[\u3000-\u9fff\uac00-\ud7a3\uff01\u{1f600}]/u.test(one) ? 2 : 1),
    0,
  )
}

test('columns are aligned, null is a dash, and no line ends with blanks', () => {
  const text = formatTable(
    ['ID', 'NAME'],
    [
      ['1', null],
      ['22', 'x'],
    ],
  )
  assert.deepEqual(text, ['ID  NAME', '1   -', '22  x'])
})

test('wide characters and combining marks keep the columns aligned', () => {
  const names = ['Ada', '山田太郎', 'Zoe\u0308', '😀！', '안녕']
  const lines = formatTable(
    ['NAME', 'ID'],
    names.map((name) => [name.normalize('NFD'), '#']),
  )
  const plain = lines.slice(1).map((line) => columnOf(line, '#'))
  assert.deepEqual(plain, [10, 10, 10, 10, 10])
})

test('what people typed makes no line of its own, and columns count what is shown', () => {
  const lines = formatTable(
    ['NAME', 'ID'],
    [
      ['\u001b[2J\nforged', '#'],
      ['Zo\u202e\u200be', '#'],
    ],
  )
  assert.deepEqual(lines, ['NAME               ID', '\\u001b[2J\\nforged  #', 'Zo\\u202e\\u200be    #'])
})
