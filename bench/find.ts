import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { readConfig } from '../src/config.ts'
import { operatorContext } from '../src/directory/context.ts'
import type { Directory } from '../src/directory/directory.ts'
import { find } from '../src/directory/find.ts'
import type { Context } from '../src/model/context.ts'
import { newId } from '../src/model/ids.ts'
import { openDirectory } from '../src/open-directory.ts'
import { explainUser } from '../src/provisioning/explain.ts'
import { programEnvironment } from '../testing/environment.ts'
import { type Settings, usherJson } from '../testing/usher.ts'
import { inWorkDirectory } from './work-directory.ts'

/**
 * How long finding and explaining take with very many users, in the process that does it:
 * `node bench/find.ts --keep DIR --engine postgres`. Bars: docs/performance.md. The first run with `--keep` loads the
 * directory; later runs use it again. It may be a directory of `portal-lists.ts`.
 */
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    customers: { type: 'string', default: '10000' },
    calls: { type: 'string', default: '300' },
    engine: { type: 'string', default: 'sqlite' },
    directory: { type: 'string', default: '.' },
    keep: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const calls = Number(values.calls)
const WARM_UP = 20
const { keep, ...place } = values

await inWorkDirectory({ ...place, ...(keep !== undefined && { keep }) }, main)

async function main(work: string, settings: Settings, isKept: boolean): Promise<void> {
  if (!isKept) await load(work, settings)
  const env = await programEnvironment(work, settings)
  const { dir, platforms, close } = await openDirectory(await readConfig(env), { create: false })
  const operator = await operatorContext(dir)
  const [user] = await dir.store.read((tx) =>
    tx.query((db) =>
      db.selectFrom('users').select(['id', 'email']).where('email', 'is not', null).limit(1).offset(1_000),
    ),
  )
  if (!user) throw new Error('the directory has too few users')
  const texts: readonly (readonly [string, () => string])[] = [
    ['the id of a user', () => user.id],
    ['an id that nothing has', newId],
    ['an access key that nothing has', () => 'AKIAAAAAAAAAAAAAAAAA'],
    ['an e-mail address', () => user.email ?? ''],
    ['an e-mail address that no user has', () => 'anna.schmidt.xxx@ab.example'],
    ...['johnson', 'tony', 'maria', 'ada', 'ann', 'grace hopper', 'anna schmidt', 'example ann smith'].map(
      (text) => [text, () => text] as const,
    ),
    ['two letters', () => 'an'],
    ['words that no user has', () => 'zzyzx qqq'],
    ['a text that all users have', () => 'example'],
    ['the name of an organization', () => 'customer 12'],
  ]
  const isChosen = new RegExp(values.only)
  for (const [who, ctx] of await listContexts(dir))
    for (const [what, toText] of texts.filter(([what]) => isChosen.test(`${who}: ${what}`)))
      await measure(`${who}: ${what}`, () => find(dir, ctx, { text: toText(), limit: 5 }))
  const request = { user: user.id, patienceMs: 50 }
  await measure('explain a user', () => explainUser({ dir, platforms }, operator, request))
  await close()
}

async function load(work: string, settings: Settings): Promise<void> {
  await usherJson(work, ['init'], settings)
  const env = await programEnvironment(work, settings)
  const options = ['--users', values.users, '--customers', values.customers]
  const script = join(import.meta.dirname, 'load-people.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...options], { env })
  process.stdout.write(stdout)
}

/** Who finds: the provider, and as people of `load-people.ts` the reseller with few users, and the one with many. */
async function listContexts(dir: Directory): Promise<(readonly [string, Context])[]> {
  const operator = await operatorContext(dir)
  const rows = await dir.store.read((tx) =>
    tx.query((db) => db.selectFrom('organizations').selectAll().where('kind', '=', 'reseller')),
  )
  const toContext = (named: string): Context => {
    const row = rows.find((one) => one.name === named)
    if (!row) throw new Error(`the directory has no ${named}`)
    const { pk, id, kind, name, created_at: createdAt } = row
    const organization = { pk, id, kind, name, createdAt, providerPk: operator.organization.pk }
    return { ...operator, caller: { kind: 'person', id: newId() }, organization }
  }
  return [
    ['provider', operator],
    ['reseller', toContext('reseller 9')],
    ['large reseller', toContext('reseller 0')],
  ]
}

async function measure(what: string, run: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < WARM_UP; i++) await run()
  const times: number[] = []
  for (let i = 0; i < calls; i++) {
    const begun = performance.now()
    await run()
    times.push(performance.now() - begun)
  }
  times.sort((one, other) => one - other)
  const at = (share: number): string => (times[Math.floor(calls * share)] ?? 0).toFixed(1).padStart(6)
  console.log(`${what.padEnd(46)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`)
}
