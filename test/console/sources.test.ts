import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { newBuildFinder } from '../../src/api/console/build.ts'

const ROOT = join(import.meta.dirname, '../../console')
/** Run by Node, not by browsers. */
const TOOLS = ['build.ts', 'develop.ts', 'prepare.js']
const MAX_LINES = 400
/** Bytes of gzip: what the first page loads, and everything. */
const BUDGET = { first: 150_000, all: 230_000 }

interface Source {
  readonly file: string
  readonly text: string
}

function readSources(): Source[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(tsx?|css)$/.test(file) && !/^dist|\.d\.ts$/.test(file) && !TOOLS.includes(file))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }))
}

/** What breaks the rules in a file of the console, one sentence each. */
function judge({ file, text }: Source): string[] {
  const found: string[] = []
  if (text.split('\n').length > MAX_LINES) found.push(`more than ${MAX_LINES} lines`)
  if (/\bexport\s+default\b/.test(text)) found.push('a default export')
  if (/dangerouslySetInnerHTML|\.innerHTML\b|\beval\(/.test(text)) found.push('markup from text')
  if (/^(pages|kit|shell)\//.test(file) && /\bfetch\(/.test(text)) found.push('fetch outside api')
  const imports = /\b(import|export)\b([^'"`;]*?)(?:\bfrom\s*)?(['"])([^'"]+)\3/g
  for (const [, , words = '', , specifier = ''] of text.matchAll(imports)) {
    if (specifier === 'downshift' && !file.startsWith('kit/')) found.push('downshift outside kit')
    if (/^node:/.test(specifier)) found.push(`${specifier} is not in browsers`)
    const target = posix.join('console', posix.dirname(file), specifier)
    if (!specifier.startsWith('.') || target.startsWith('console/')) continue
    if (!/^\s*type\b/.test(words)) found.push(`a value of ${target}`)
    if (!/^src\/(api\/console\/contract\.ts|model\/[\w-]+\.ts)$/.test(target))
      found.push(`types of ${target}`)
  }
  return found.map((sentence) => `${file}: ${sentence}`)
}

test('every file of the console keeps the rules', () => {
  const sources = readSources()
  assert.ok(sources.length > 50)
  assert.deepEqual(sources.flatMap(judge), [])
})

test('a file that breaks a rule is found', () => {
  const wrong: readonly (readonly [file: string, text: string, violation: RegExp])[] = [
    ['pages/x.tsx', "import { y } from '../../src/model/ids.ts'", /a value of src\/model\/ids\.ts/],
    ['pages/x.tsx', "import type { y } from '../../src/api/console/page.ts'", /types of src\/api\/console/],
    ['pages/x.tsx', "import type { y } from '../../src/store/port.ts'", /types of src\/store/],
    ['shell/x.tsx', "import { useCombobox } from 'downshift'", /downshift outside kit/],
    ['api/x.ts', "import { hash } from 'node:crypto'", /node:crypto is not in browsers/],
    ['pages/x.tsx', 'await fetch(url)', /fetch outside api/],
    ['kit/x.tsx', 'export default X', /default export/],
    ['kit/x.tsx', '<p dangerouslySetInnerHTML={x} />', /markup from text/],
    ['kit/x.css', '\n'.repeat(401), /more than 400 lines/],
  ]
  for (const [file, text, violation] of wrong) assert.match(judge({ file, text }).join(), violation)
})

test('the first page and the whole console keep within their sizes', (t) => {
  const build = newBuildFinder()()
  if (!build) return t.skip('the console has not been built')
  const sizeOf = (name: string): number =>
    gzipSync(readFileSync(join(build.folder, name)), { level: 9 }).length
  const sum = (names: Iterable<string>): number => [...names].reduce((all, name) => all + sizeOf(name), 0)
  const scripts = [...build.files].filter((name) => name.endsWith('.js'))
  const { html } = build.toPage('')
  // The page names what it loads at once; then come the texts of one language and the list of users.
  const named = scripts.filter((name) => html.includes(name) || /^(en|users)-/.test(name))
  const [first, all] = [sum(named), sum(scripts)]
  t.diagnostic(`JavaScript, gzip: first page ${first} bytes, all ${all} bytes`)
  assert.ok(named.length > 2)
  assert.ok(first <= BUDGET.first, `the first page loads ${first} bytes`)
  assert.ok(all <= BUDGET.all, `the console has ${all} bytes`)
})
