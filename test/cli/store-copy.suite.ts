import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newCreates, prepareCreates } from '../../testing/creates.ts'
import { queryDatabase } from '../../testing/query.ts'
import { serveHere } from '../../testing/target.ts'
import { type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

type NewUrl = () => Promise<string>

/** A directory with one user and one account in a store of one engine. */
interface Original {
  readonly dataDir: string
  readonly url: string
  readonly init: Init
  readonly settings: Readonly<Record<string, string>>
}

async function withOriginal(newUrl: NewUrl, work: (original: Original) => Promise<void>): Promise<void> {
  const { path: dataDir, remove } = newDataDir()
  try {
    const url = await newUrl()
    const settings = { USHER_DATABASE_URL: url, USHER_PUBLIC_URL: 'http://usher.example' }
    const init = await initialise(dataDir, settings)
    const served = await serveHere(dataDir, settings)
    try {
      const creates = newCreates(served.url, { init, ...(await prepareCreates(served.url, init)) })
      assert.equal((await creates.portal('ada@example.com')).status, 201)
      assert.equal((await creates.osis('ada')).status, 201)
    } finally {
      await served.stop()
    }
    await work({ dataDir, url, init, settings })
  } finally {
    remove()
  }
}

const LISTS = [
  ['organization', 'list'],
  ['client', 'list'],
  ['portal', 'list'],
  ['audit', 'list'],
]

/** Returns what the command line lists of a directory in the store at a URL. */
async function show({ dataDir, init, settings }: Original, url: string): Promise<unknown[]> {
  const people = ['user', 'list', '--organization', init.customer.id]
  const at = { ...settings, USHER_DATABASE_URL: url }
  return Promise.all([...LISTS, people].map((words) => usherJson(dataDir, words, at)))
}

/** Tests of copies from stores of one engine to stores of another. */
export function storeCopySuite(name: string, engines: { from: NewUrl; to: NewUrl }): void {
  const copy = (original: Original, to: string, settings = {}): ReturnType<typeof runUsher> =>
    runUsher(original.dataDir, ['store', 'copy', '--from', original.url, '--to', to, '--json'], settings)

  describe(`store copy ${name}`, () => {
    test('a copy holds the same directory, is verified, and continues where the original ended', () =>
      withOriginal(engines.from, async (original) => {
        const to = await engines.to()
        const { code, stdout, stderr } = await copy(original, to)
        assert.equal(code, 0, stderr)
        const { rows, problems } = JSON.parse(stdout)
        assert.deepEqual([problems, rows.users, rows.credentials, rows.signing_keys], [[], 2, 1, 1])
        assert.deepEqual(await show(original, to), await show(original, original.url))
        const settings = { ...original.settings, USHER_DATABASE_URL: to }
        const served = await serveHere(original.dataDir, settings)
        const { init } = original
        const creates = newCreates(served.url, { init, ...(await prepareCreates(served.url, init)) })
        const responses = await Promise.all([
          creates.portal('ada@example.com'),
          creates.portal('new@example.com'),
          creates.osis('ada'),
          creates.osis('new'),
        ])
        await served.stop()
        assert.deepEqual(
          responses.map(({ status }) => status),
          [200, 201, 201, 201],
        )
        assert.equal((await runUsher(original.dataDir, ['audit', 'verify'], settings)).code, 0)
      }))

    test('a store that is not empty is refused as target, and unchanged', () =>
      withOriginal(engines.from, async (original) => {
        const { code, stderr } = await copy(original, await filled(engines.to))
        assert.equal(code, 1)
        assert.match(stderr, /the target already has organizations; copy into an empty store/)
      }))

    test('a secret that the master key does not open is named, and the copy fails', () =>
      withOriginal(engines.from, async (original) => {
        await queryDatabase(original.url, "UPDATE credentials SET sealed_secret = '1.damaged.x'")
        const { code, stdout } = await copy(original, await engines.to())
        assert.equal(code, 1)
        const [problem, ...others] = JSON.parse(stdout).problems
        assert.match(problem, /^the secret of credential:\w+ cannot be opened with the master key$/)
        assert.deepEqual(others, [])
      }))

    test('a damaged audit log is copied as it is, and reported', () =>
      withOriginal(engines.from, async (original) => {
        await queryDatabase(original.url, "UPDATE audit_entries SET outcome = 'other' WHERE pk = 2")
        const { code, stdout } = await copy(original, await engines.to())
        assert.equal(code, 0)
        const { problems, auditFaults } = JSON.parse(stdout)
        assert.deepEqual(problems, [])
        assert.ok(auditFaults > 0)
      }))
  })
}

async function filled(newUrl: NewUrl): Promise<string> {
  const { path, remove } = newDataDir()
  const url = await newUrl()
  await usherJson(path, ['init', '--no-example'], { USHER_DATABASE_URL: url })
  remove()
  return url
}
