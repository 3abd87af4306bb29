import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const FOLDERS = ['deploy', 'src', 'test', 'testing', 'bench', 'scripts', 'docs']
const FILES = [
  ...globSync('*', { cwd: ROOT }),
  ...FOLDERS.flatMap((folder) => globSync(`${folder}/**`, { cwd: ROOT })),
]
const DOCUMENTS = FILES.filter((file) => file.endsWith('.md'))

/** The text without blocks of code, whose lines are no headings and no links. */
function readProse(document: string): string {
  return readFileSync(join(ROOT, document), 'utf8').replace(/^ *```[\s\S]*?^ *```/gm, '')
}

/** The anchors that GitHub gives to headings. */
function readAnchors(document: string): string[] {
  const headings = [...readProse(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

for (const document of DOCUMENTS) {
  test(`every link of ${document} leads to a file and a heading`, () => {
    const links = [...readProse(document).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)]
    for (const [link, path = '', anchor] of links) {
      const target = path === '' ? document : normalize(join(dirname(document), path)).replace(/\/$/, '')
      assert.ok(FILES.includes(target), `${link} leads nowhere`)
      if (anchor) assert.ok(readAnchors(target).includes(anchor), `${link} leads to no heading`)
    }
  })

  test(`every source file that ${document} names exists`, () => {
    const names = [...readProse(document).matchAll(/`([\w./-]+\.(?:ts|js|suite))`/g)].map(([, name]) => name)
    const missing = names.filter((name) => !FILES.some((file) => `/${file}`.endsWith(`/${name}`)))
    assert.deepEqual(
      missing.filter((name) => !name?.includes('NNNN')),
      [],
    )
  })
}
