import type { Directory } from '../directory/directory.ts'
import type { Logger } from '../logger.ts'
import { type Loop, startLoop } from '../loop.ts'
import type { Content } from '../model/contents.ts'
import { type Platform, PlatformError } from '../platform/platform.ts'
import {
  type DueContent,
  insertContents,
  postponeContents,
  selectDueContents,
  selectUnregisteredAccounts,
  updateContent,
} from '../store/accounts/contents.ts'
import type { Tx } from '../store/port.ts'
import type { DirectoryPlatforms } from './desired.ts'

/** The pause between two rounds. */
const ROUND_MS = 1_000
/** The number of accounts without figures that one round reads: ten thousand take less than two minutes. */
const FIRST_READS = 100
/** The number of other accounts that one round reads. The gateway then gets at most 100 calls a second. */
const REPEATED_READS = 50
/** When a new account is read for the first time. It is empty, and reading it at once would slow down creates. */
const NEW_MS = 15_000
/** How many accounts are read at the same time. */
const CONCURRENCY = 4
/** The age at which figures are read again. With more than 45,000 accounts, reading them all takes longer than this. */
const FRESH_MS = 15 * 60_000
/** How long an account is left alone after a failed read, and while a process reads it. */
const RETRY_MS = 2 * 60_000
/** The time limit of one read. */
const READ_MS = 8_000

/** What the loop needs. */
export interface ContentReaderDeps extends DirectoryPlatforms {
  readonly log: Logger
}

/**
 * Starts the background loop that reads what accounts store on their platforms, so that callers need not wait for each
 * account. The accounts that were read longest ago come first. A platform that is down is left alone.
 */
export function startContentReader({ dir, platforms, log }: ContentReaderDeps): Loop {
  const readable = [...platforms.values()].filter(({ readsBack }) => readsBack)
  return startLoop({ name: 'reading usage', everyMs: ROUND_MS, log }, async (stopping) => {
    if (readable.length > 0) await registerNew(dir)
    for (const platform of readable) {
      const due = await findDue(dir, platform.name)
      if (due.length > 0 && !stopping.aborted && (await platform.status()).health !== 'ERROR')
        await readRound({ dir, platform, log, stopping }, due)
    }
  })
}

async function registerNew({ store, now }: Directory): Promise<void> {
  const accounts = await store.read(selectUnregisteredAccounts)
  if (accounts.length === 0) return
  const readAt = now()
  const dueAt = new Date(readAt.getTime() + NEW_MS).toISOString()
  await store.write((tx) => insertContents(tx, accounts, { readAt: readAt.toISOString(), dueAt }), {
    canWait: true,
  })
}

/** Finds the accounts for one round: those without figures, or else a few of the others. */
async function findDue(dir: Directory, platform: string): Promise<DueContent[]> {
  const request = { platform, now: dir.now().toISOString(), limit: FIRST_READS }
  const due = await dir.store.read((tx) => selectDueContents(tx, request))
  const first = due.filter(({ isFirst }) => isFirst)
  return first.length > 0 ? first : due.slice(0, REPEATED_READS)
}

interface Round {
  readonly dir: Directory
  readonly platform: Platform
  readonly log: Logger
  readonly stopping: AbortSignal
}

async function readRound(round: Round, due: readonly DueContent[]): Promise<void> {
  const { store, now } = round.dir
  const accounts = due.map(({ account }) => account)
  const after = (ms: number): string => new Date(now().getTime() + ms).toISOString()
  await store.write((tx) => postponeContents(tx, accounts, after(RETRY_MS)), { canWait: true })
  const found: { account: number; content: Content }[] = []
  const queue = due.values()
  // The workers share the queue: the next account starts as soon as one has ended.
  const work = async (): Promise<void> => {
    for (const one of queue) {
      if (round.stopping.aborted) return
      const content = await readOne(round, one)
      if (content) found.push({ account: one.account, content })
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  if (found.length === 0) return
  const times = { readAt: now().toISOString(), dueAt: after(FRESH_MS) }
  const update = async (tx: Tx): Promise<void> => {
    for (const { account, content } of found) await updateContent(tx, account, { ...content, ...times })
  }
  await store.write(update, { canWait: true })
}

async function readOne({ platform, log, stopping }: Round, due: DueContent): Promise<Content | undefined> {
  try {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(READ_MS)])
    return await platform.readContent(due.canonicalUserId, signal)
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error
    // With the error itself, the log counts the accounts of an outage in place of a line for each.
    const fields = { account: due.account, platform: platform.name, err: error }
    if (!stopping.aborted) log.warn(fields, 'reading the usage of an account failed')
    return undefined
  }
}
