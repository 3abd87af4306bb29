import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { openStore } from '../../src/store/open.ts'
import { type ChildOptions, startChild, startServing } from '../../testing/children.ts'
import { newCreates, prepareCreates } from '../../testing/creates.ts'
import { FULL_LENGTH, rounds } from '../../testing/full-length.ts'
import { type Init, newDataDir, runUsher } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { type Asked, checkRows, load } from '../support/load.ts'
import { Disk, type Luck } from '../support/power-loss.ts'
import { auditKeysOf } from '../support/stored.ts'
import { findNoStrace, readTrace, type Step, traceCalls } from '../support/strace.ts'

/** Makes checkpoints frequent; with WEAKNESS it makes the store weak. */
const PRELOAD = new URL('../support/weak-store.ts', import.meta.url)
/** Tokens name their issuer, which must stay the same although the port changes. */
const SETTINGS = { USHER_PUBLIC_URL: 'http://usher.example', NODE_OPTIONS: `--import=${PRELOAD}` }
const LIMIT_MS = 120_000
/** At about how many moments the power is lost, four times each: of each server, and of the set-up. */
const [MOMENTS, SET_UP_MOMENTS] = [rounds(10, 60), rounds(2, 12)]
/** How many portal users each server creates before it ends. */
const CREATES = rounds(40, 120)
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g

/** A recorded run: its calls, and what it responded. */
interface Run {
  /** The folder that was empty before. The data directory is in it. */
  readonly root: string
  readonly traces: readonly string[]
  readonly init: Init
  readonly asked: Asked
  remove(): void
}

/** How a recorded server ends, and which of its calls fail before, if any. */
interface Server {
  readonly signal: NodeJS.Signals
  readonly fault?: string
}

/**
 * Sets a directory up and creates users in it, with one server after the other, and records all calls.
 * @param weakness see weak-store.ts
 */
async function record(servers: readonly Server[], weakness = ''): Promise<Run> {
  const { path, remove } = newDataDir()
  const root = join(path, 'disk')
  mkdirSync(root)
  const traces: string[] = []
  const traced = (fault?: string): ChildOptions => {
    const trace = join(path, `trace-${traces.length}`)
    traces.push(trace)
    const settings = { ...SETTINGS, WEAKNESS: weakness }
    return { settings, shell: traceCalls(trace, fault), limitMs: LIMIT_MS }
  }
  const dataDir = dataDirIn(root)
  const { stdout, stderr } = await (await startChild(dataDir, { args: ['init', '--json'], ...traced() }))
    .ended
  assert.match(stdout, /^{/, stderr)
  const init = JSON.parse(stdout) as Init
  const asked: Asked = { portal: new Map(), osis: new Map() }
  let ready: { token: string; tenantId: string } | undefined
  for (const [round, { signal, fault }] of servers.entries()) {
    const served = await startServing(dataDir, traced(fault))
    ready ??= await prepareCreates(served.at, init)
    const creates = newCreates(served.at, { init, ...ready })
    const before = asked.portal.size
    let refused = false
    const loading = load(creates, asked, round, ({ status }) => {
      refused ||= status === 503
      return status === 201
    })
    await waitUntil(async () => (fault ? refused : asked.portal.size > before + CREATES), LIMIT_MS)
    served.process.kill(signal)
    await loading
    await served.ended
  }
  return { root, traces, init, asked, remove }
}

function dataDirIn(root: string): string {
  return join(root, 'data')
}

/** How much of what was not synced is on the disk. */
const LUCKS: Readonly<Record<string, Luck>> = {
  nothing: () => false,
  everything: () => true,
  half: () => Math.random() < 0.5,
  most: () => Math.random() < 0.95,
}

/**
 * Loses the power at many moments of a run. Returns how often that was, and what was wrong afterwards.
 * @param sign ends after the first fault that matches it
 */
async function losePower(run: Run, sign?: RegExp): Promise<{ losses: number; faults: string[] }> {
  const kept = newDataDir()
  const faults: string[] = []
  let losses = 0
  for (const { what, disk, luck, said } of listLosses(run)) {
    losses++
    const after = join(kept.path, String(losses))
    disk.losePower(after, luck)
    const fault = await faultOf(dataDirIn(after), run, said)
    rmSync(after, { recursive: true })
    if (fault) faults.push(`${what}: ${fault}`)
    if (fault && sign?.test(fault)) break
  }
  kept.remove()
  return { losses, faults }
}

/** A moment at which the power is lost, and how much of what was not synced is on the disk then. */
interface Loss {
  readonly what: string
  readonly disk: Disk
  readonly luck: Luck
  /** The ids that Usher has responded with. */
  readonly said: ReadonlySet<string>
}

function* listLosses(run: Run): Generator<Loss> {
  const said = new Set<string>()
  const disk = new Disk(run.root)
  for (const [i, trace] of run.traces.entries()) {
    const steps = [...readTrace(trace)]
    const moments = i === 0 ? SET_UP_MOMENTS : MOMENTS
    const share = moments / steps.filter(({ call }) => disk.has(call.path)).length
    for (const step of steps) {
      addSaid(said, step)
      if (!disk.take(step) || !disk.isUnsynced || Math.random() > share) continue
      for (const [name, luck] of Object.entries(LUCKS))
        yield { what: `trace ${i}, ${step.call.name} ${step.phase}, kept ${name}`, disk, luck, said }
    }
  }
}

/** Returns whether a start has written the log again and synced it, before it copied the log into the file. */
function isLogRepaired(trace: string): boolean {
  const calls = [...readTrace(trace)].filter(({ phase }) => phase === 'end').map(({ call }) => call)
  const copied = calls.findIndex(({ name, path }) => name === 'pwrite64' && path.endsWith('.db'))
  const ofLog = calls.slice(0, Math.max(copied, 0)).filter(({ path }) => path.endsWith('.db-wal'))
  const begun = ofLog.findIndex(({ name, offset }) => name === 'pwrite64' && offset === 0)
  return begun >= 0 && ofLog.slice(begun).some(({ name }) => name === 'fsync')
}

/** Adds the ids that a call sends: in a response to a socket, or in the result of a command to a pipe. */
function addSaid(said: Set<string>, { call }: Step): void {
  if (!call.path.startsWith('/')) for (const [id] of String(call.data).matchAll(UUID)) said.add(id)
}

/** Opens a directory as Usher does. Returns what is wrong with it, undefined if all is well. */
async function faultOf(
  dataDir: string,
  { init, asked }: Run,
  said: ReadonlySet<string>,
): Promise<string | undefined> {
  try {
    // Before the set-up has responded, it must be possible to repeat it.
    if (!said.has(init.customer.id)) await assertCanBeSetUp(dataDir)
    else
      await assertWhole(dataDir, {
        portal: toConfirmed(asked.portal, said),
        osis: toConfirmed(asked.osis, said),
      })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

async function assertCanBeSetUp(dataDir: string): Promise<void> {
  const { code, stderr } = await runUsher(dataDir, ['init'])
  if (code !== 0) assert.match(stderr, /set up already/)
}

async function assertWhole(dataDir: string, confirmed: Asked): Promise<void> {
  const file = join(dataDir, 'usher.db')
  const store = await openStore(`sqlite:${file}`, { auditKeys: auditKeysOf(dataDir), create: false })
  try {
    await store.heartbeat()
    const { faults, unsealed } = await store.verifyAudit()
    assert.deepEqual([faults, unsealed], [[], 0])
  } finally {
    await store.close()
  }
  const db = new DatabaseSync(file)
  const checks = [db.prepare('PRAGMA integrity_check').all(), db.prepare('PRAGMA foreign_key_check').all()]
  db.close()
  assert.deepEqual(checks, [[{ __proto__: null, integrity_check: 'ok' }], []])
  await checkRows(dataDir, confirmed)
}

function toConfirmed(asked: Asked['portal'], said: ReadonlySet<string>): Asked['portal'] {
  return new Map([...asked].filter(([, id]) => id !== undefined && said.has(id)))
}

/** Short runs have one test, which meets everything: a failed sync, a kill, a start, checkpoints, a stop in order. */
const skip = FULL_LENGTH ? false : 'runs at full length only'

describe('a loss of power', { skip: findNoStrace() ?? false, concurrency: 2 }, () => {
  const fault = 'fdatasync:error=EIO:when=30+'
  const runs: readonly [what: string, skip: false | string, servers: readonly Server[]][] = [
    ['', skip, [{ signal: 'SIGKILL' }, { signal: 'SIGTERM' }, { signal: 'SIGKILL' }]],
    [', after the disk had failed to sync', false, [{ signal: 'SIGKILL', fault }, { signal: 'SIGTERM' }]],
  ]
  for (const [what, skip, servers] of runs) {
    test(`loses nothing that was confirmed, and leaves nothing half-made${what}`, { skip }, async () => {
      const run = await record(servers)
      const { losses, faults } = await losePower(run)
      const unrepaired = servers.flatMap(({ fault }, i) =>
        // The first trace is that of the set-up.
        fault && !isLogRepaired(run.traces[i + 2] ?? '') ? [i] : [],
      )
      run.remove()
      assert.deepEqual([faults, unrepaired], [[], []])
      assert.ok(losses > MOMENTS, `the power was lost only ${losses} times`)
    })
  }

  // These show that the tests above can fail.
  for (const [weakness, sign] of [
    ['its commits', /was lost/],
    ['SQLite', /was lost|is damaged|is not the log/],
  ] as const) {
    test(`loses something if a store does without the syncs of ${weakness}`, { skip }, async () => {
      const run = await record([{ signal: 'SIGKILL' }], weakness)
      const { faults } = await losePower(run, sign)
      run.remove()
      assert.match(faults.join('\n'), sign)
    })
  }
})
