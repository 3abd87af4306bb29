import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AdminClient, type CephRgwSettings } from '../src/platform/ceph-rgw/admin-client.ts'
import type { GatewaySettings } from '../testing/ceph-rgw.ts'
import { runClosedLoop } from './closed-loop.ts'
import { type Creator, newDirectCreator, newOsisCreator, removeUsers, works } from './osis-creators.ts'
import { cpuOf } from './peers/peer.ts'
import { quantile } from './quantiles.ts'

/** How many users' keys of each round are tried on S3. */
const SAMPLE = 5

/** A: the gateway's Admin API alone. B: OSIS through Usher. Both create users with a working key on one gateway. */
export interface OsisPair {
  readonly s3Url: string
  readonly direct: Creator
  readonly osis: Creator & { readonly pid: number }
}

export interface OsisFigures {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Processor time of Usher for one create, in ms; 0 without Usher. */
  readonly cpuMs: number
}

export interface OsisRounds {
  readonly rounds: number
  readonly seconds: number
  readonly signal?: AbortSignal
}

/**
 * Starts an Usher over a gateway, and runs work with both creators. Afterwards it removes their users.
 * @param directory where the data directory is made
 */
export async function withOsisPair(
  settings: GatewaySettings,
  directory: string,
  run: (pair: OsisPair) => Promise<void>,
): Promise<void> {
  const url = settings.USHER_TEST_CEPH_RGW_URL ?? ''
  const gateway: CephRgwSettings = {
    url,
    accessKey: settings.USHER_TEST_CEPH_RGW_ACCESS_KEY ?? '',
    secretKey: settings.USHER_TEST_CEPH_RGW_SECRET_KEY ?? '',
    s3Url: url,
  }
  const admin = new AdminClient(gateway)
  const work = mkdtempSync(join(directory, '.bench-'))
  const direct = newDirectCreator(admin)
  const osis = await newOsisCreator(work, gateway)
  try {
    await run({ s3Url: url, direct, osis })
  } finally {
    await osis.stop()
    // A gateway that was started for this is removed as a whole.
    if (!settings.USHER_TEST_CEPH_RGW_DIR) await removeUsers(admin, [direct.tenantId, osis.tenantId])
    rmSync(work, { recursive: true, force: true })
  }
}

/** Loads both for some seconds: a program compiles its code during its first thousands of calls. */
export async function warmUp(
  { direct, osis, s3Url }: OsisPair,
  level: number,
  seconds: number,
): Promise<void> {
  for (const creator of [direct, osis]) await loadCreator(creator, { level, seconds, s3Url })
}

/**
 * Runs both in turns, so that other load on the machine affects both.
 * @param level how many users are created at the same time
 */
export async function compareOsis(
  { direct, osis, s3Url }: OsisPair,
  level: number,
  { rounds, seconds, signal }: OsisRounds,
): Promise<{ readonly a: readonly OsisFigures[]; readonly b: readonly OsisFigures[] }> {
  await warmUp({ direct, osis, s3Url }, level, Math.min(1, seconds))
  const [a, b]: [OsisFigures[], OsisFigures[]] = [[], []]
  for (let round = 0; round < rounds && !signal?.aborted; round++) {
    a.push(await loadCreator(direct, { level, seconds, s3Url, signal }))
    b.push(await loadCreator(osis, { level, seconds, s3Url, signal, pid: osis.pid }))
  }
  return { a, b }
}

interface CreatorLoad {
  readonly level: number
  readonly seconds: number
  readonly s3Url: string
  readonly signal?: AbortSignal | undefined
  readonly pid?: number
}

/** Creates users, `level` at the same time, and tries some of the keys. */
async function loadCreator(
  creator: Creator,
  { level, seconds, s3Url, signal, pid }: CreatorLoad,
): Promise<OsisFigures> {
  const created: string[] = []
  const create = async (): Promise<void> => {
    created.push(await creator.create(randomUUID()))
  }
  const pids = pid === undefined ? [] : [pid]
  const cpu = cpuOf(pids)
  const { times, passed } = await runClosedLoop(Array(level).fill(create), seconds, signal)
  const cpuMs = (cpuOf(pids) - cpu) / times.length
  for (let i = 0; i < SAMPLE; i++) {
    const user = created[Math.floor((i * created.length) / SAMPLE)] ?? ''
    if (!(await works(s3Url, await creator.keyOf(user))))
      throw new Error(`${creator.name}: a key does not work`)
  }
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)]
  return { perSecond: (times.length / passed) * 1000, p50, p99, cpuMs }
}
