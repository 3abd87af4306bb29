import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { sql } from 'kysely'
import type { AuditCheck, AuditHead, AuditKey, AuditKeySealer, AuditVerdict, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { GENESIS_HASH } from './block-rows.ts'
import { ENTRY_COLUMNS, readInteger, toHashedEntry } from './entries.ts'
import { hashEntry } from './entry-rows.ts'
import { FaultList } from './faults.ts'
import { selectAuditKey } from './keys.ts'

/** The number of blocks, and the number of entries of one block, in memory at once. */
const PAGE = 500
/**
 * The greatest number that blocks and primary keys may have. SQLite holds greater ones, which no number can express.
 */
const MAX = Number.MAX_SAFE_INTEGER

/** The size of a part: about 15 ms on SQLite, where other calls wait for it. */
export const AUDIT_PART = 1_000

/** What a check needs besides the log. */
interface CheckOptions {
  readonly sealer: AuditKeySealer
  /** A block that the log must contain. */
  readonly expected?: AuditHead | undefined
  /** Whether the store writes a block with every commit (SQLite): an entry without a block is a fault then. */
  readonly isSealed: boolean
}

/** A part of a check. */
interface PartOptions extends CheckOptions {
  /** What the part before returned; null for the first part. */
  readonly from: AuditCheck | null
  /** After how many blocks and entries it ends. */
  readonly most: number
}

const selectBlocks = statement((db, p: { after: number }) =>
  db
    .selectFrom('audit_blocks')
    .select(['number', 'previous_hash', 'seal'])
    .select([
      readInteger('first_pk').as('first'),
      readInteger('last_pk').as('last'),
      readInteger('entries').as('entries'),
    ])
    .where('number', '>', p.after)
    .where('number', '<=', sql.lit(MAX))
    .orderBy('number')
    .limit(sql.lit(PAGE)),
)

const countImpossible = statement((db) =>
  db
    .selectFrom('audit_blocks')
    .select((eb) => eb.fn.countAll<number>().as('blocks'))
    .where((eb) => eb.or([eb('number', '<', 1), eb('number', '>', sql.lit(MAX))])),
)

/** Selects the next entries of a block. */
const selectSealed = statement((db, p: { from: number; last: number; block: number }) =>
  db
    .selectFrom('audit_entries')
    .select([...ENTRY_COLUMNS, 'pk', 'hash'])
    .select(readInteger('position').as('position'))
    .where('pk', '>=', p.from)
    .where('pk', '<=', p.last)
    .where('block', '=', p.block)
    .orderBy('pk')
    .limit(sql.lit(PAGE)),
)

const countEntries = statement((db) =>
  db.selectFrom('audit_entries').select((eb) => eb.fn.countAll<number>().as('entries')),
)

const countUnsealed = statement((db) =>
  db
    .selectFrom('audit_entries')
    .select((eb) => eb.fn.countAll<number>().as('entries'))
    .where('block', 'is', null),
)

const countThrough = statement((db, p: { through: number }) =>
  db
    .selectFrom('audit_entries')
    .select((eb) => eb.fn.countAll<number>().as('entries'))
    .where('pk', '<=', p.through),
)

const countAfter = statement((db, p: { after: number }) =>
  db
    .selectFrom('audit_entries')
    .select((eb) => eb.fn.countAll<number>().as('entries'))
    .where('pk', '>', p.after),
)

const countBetween = statement((db, p: { after: number; through: number }) =>
  db
    .selectFrom('audit_entries')
    .select((eb) => eb.fn.countAll<number>().as('entries'))
    .where('pk', '>', p.after)
    .where('pk', '<=', p.through),
)

const selectBlockHash = statement((db, p: { block: number }) =>
  db.selectFrom('audit_blocks').select('seal').where('number', '=', p.block),
)

/**
 * Checks the whole chain: every entry against its hash, every block against its entries and the block before it.
 * An entry that is in no block yet is counted; it is a fault only if the store seals each commit. Memory and time do not
 * depend on what forged rows hold.
 */
export async function verifyAuditLog(tx: Tx, options: CheckOptions): Promise<AuditVerdict> {
  const { verdict } = await checkAuditLog(tx, { ...options, from: null, most: Number.POSITIVE_INFINITY })
  if (!verdict) throw new Error('a check without a limit has not reached the end')
  return verdict
}

/**
 * Like `verifyAuditLog`, in parts of a limited size, each of which may be another snapshot: sealed blocks do not change.
 * The last part reads the newest blocks and counts the entries in one snapshot; on SQLite, where it would keep others
 * waiting, each part counts its own entries.
 */
export async function checkAuditLog(tx: Tx, options: PartOptions): Promise<AuditCheck> {
  const { sealer, expected, from, isSealed } = options
  const faults = new FaultList(from)
  const key = await readKey(tx, sealer, from ? new FaultList() : faults)
  const { isEnd, lastPk, ...chain } = await checkChain(tx, { ...options, key }, faults)
  const before = from?.counted ?? { through: null, entries: 0 }
  const counted = isSealed ? await countPart(tx, before, lastPk) : before
  if (!isEnd) return { ...chain, counted, ...faults.list(), verdict: null }
  const total = counted.entries + (await countRest(tx, counted.through))
  const unsealed = (await tx.get(countUnsealed, {}))?.entries ?? 0
  const sealed = total - unsealed
  if (sealed > chain.found) await faults.addStray(tx, sealed - chain.found)
  if (expected && (await tx.get(selectBlockHash, { block: expected.block }))?.seal !== expected.hash)
    faults.addBlock(expected.block, 'not_expected')
  if (isSealed && unsealed > 0) await faults.addUnsealed(tx, unsealed)
  const { head, blocks } = chain
  const facts = { entries: total, blocks, unsealed, head, keyedFrom: key?.from ?? null }
  return { ...chain, counted, ...faults.list(), verdict: { ...facts, ...faults.list() } }
}

type Counted = AuditCheck['counted']

/** Counts the entries up to one that exists, after those that are counted already. A store that seals appends entries. */
async function countPart(tx: Tx, { through, entries }: Counted, lastPk: number): Promise<Counted> {
  if (lastPk <= (through ?? -1)) return { through, entries }
  const found =
    through === null
      ? await tx.get(countThrough, { through: lastPk })
      : await tx.get(countBetween, { after: through, through: lastPk })
  return { through: lastPk, entries: entries + (found?.entries ?? 0) }
}

/** Counts the entries after those that are counted already. */
async function countRest(tx: Tx, after: number | null): Promise<number> {
  const found = after === null ? await tx.get(countEntries, {}) : await tx.get(countAfter, { after })
  return found?.entries ?? 0
}

/** Returns the audit key. Without it, the chain is checked without the seals of its blocks. */
async function readKey(tx: Tx, sealer: AuditKeySealer, faults: FaultList): Promise<AuditKey | undefined> {
  const row = await selectAuditKey(tx)
  try {
    if (row) return sealer.open(row.id, row.sealed)
    const [block] = await tx.all(selectBlocks, { after: 0 })
    if (block) faults.addBlock(0, 'key_missing')
  } catch {
    faults.addBlock(0, 'key_unreadable')
  }
  return undefined
}

interface Chain extends Pick<AuditCheck, 'head' | 'blocks' | 'found'> {
  /** Whether there are no more blocks. */
  readonly isEnd: boolean
  /** The highest primary key of the entries of these blocks; -1 without one. */
  readonly lastPk: number
}

async function checkChain(
  tx: Tx,
  { from, most, key }: Pick<PartOptions, 'from' | 'most'> & { readonly key: AuditKey | undefined },
  faults: FaultList,
): Promise<Chain> {
  let { head, blocks, found } = from ?? { head: { block: 0, hash: GENESIS_HASH }, blocks: 0, found: 0 }
  const end = blocks + found + most
  let lastPk = -1
  for (;;) {
    const page = await tx.all(selectBlocks, { after: head.block })
    for (const block of page) {
      if (blocks + found >= end) return { head, blocks, found, lastPk, isEnd: false }
      const isNext = block.number === head.block + 1
      if (!isNext) faults.addMissingBlocks(head.block + 1, block.number - 1)
      const previousHash = isNext ? head.hash : block.previous_hash
      const entries = await checkBlock(tx, { block, previousHash, key }, faults)
      found += entries.found
      lastPk = Math.max(lastPk, entries.lastPk)
      head = { block: block.number, hash: block.seal }
      blocks++
    }
    if (page.length < PAGE) break
  }
  const impossible = (await tx.get(countImpossible, {}))?.blocks ?? 0
  if (impossible > 0) faults.addBlock(0, 'block_impossible')
  return { head, blocks: blocks + impossible, found, lastPk, isEnd: true }
}

type Block = Pick<Tables['audit_blocks'], 'number' | 'previous_hash' | 'seal' | 'entries'> & {
  readonly first: number
  readonly last: number
}

interface Link {
  readonly block: Block
  /** The hash of the block before it. */
  readonly previousHash: string
  readonly key: AuditKey | undefined
}

/** Checks one block and its entries. Returns what was found of them. */
async function checkBlock(tx: Tx, link: Link, faults: FaultList): Promise<Pick<Found, 'found' | 'lastPk'>> {
  const { block, previousHash, key } = link
  const before = faults.count
  const { found, digest, firstPk, lastPk } = await checkEntries(tx, link, faults)
  const isLinked = block.previous_hash === previousHash
  const isSealed = key === undefined || digest === block.seal
  // The last block without an HMAC: the audit key knows its hash, and so protects all blocks before it.
  const isAnchored = key === undefined || block.number !== key.from - 1 || block.seal === key.previousHash
  const isWhole = isSealed && isAnchored && block.entries === found
  const isBounded = block.first === firstPk && block.last === lastPk
  if (!isLinked || (faults.count === before && !(isWhole && isBounded)))
    faults.addBlock(block.number, 'block_changed')
  return { found, lastPk }
}

interface Found {
  readonly found: number
  /** The hash of the block, computed from its entries. */
  readonly digest: string
  readonly firstPk: number
  readonly lastPk: number
}

async function checkEntries(tx: Tx, { block, key }: Link, faults: FaultList): Promise<Found> {
  // A block cannot hold more entries than there are primary keys from its first to its last entry.
  const size = Math.min(block.entries, block.last - block.first + 1)
  const hasher = newBlockHasher(block, key)
  const place = { block: block.number }
  let [found, expected, firstPk, lastPk] = [0, 0, -1, -1]
  for (;;) {
    const from = lastPk < 0 ? block.first : lastPk + 1
    const page = await tx.all(selectSealed, { from, last: block.last, block: block.number })
    for (const row of page) {
      const { position } = row
      if (position < expected || position >= size) faults.addEntry(place, row, 'added')
      else {
        faults.addMissingEntries(block.number, expected, position - 1)
        expected = position + 1
      }
      if (hashEntry(toHashedEntry(row), row.caller, { block: block.number, position }) !== row.hash)
        faults.addEntry(place, row, 'changed')
      hasher.update(`,${JSON.stringify(row.hash)}`)
      if (found === 0) firstPk = row.pk
      lastPk = row.pk
      found++
    }
    if (page.length < PAGE) break
  }
  faults.addMissingEntries(block.number, expected, size - 1)
  return { found, digest: hasher.update(']').digest('base64url'), firstPk, lastPk }
}

/** Begins the hash of a block; see `toBlockRow`. Blocks before the first one with an HMAC have a plain SHA-256. */
function newBlockHasher({ number, previous_hash }: Block, key: AuditKey | undefined): Hash | Hmac {
  const isKeyed = key !== undefined && number >= key.from
  const hasher = isKeyed ? createHmac('sha256', key.secret) : createHash('sha256')
  return hasher.update(JSON.stringify([number, previous_hash]).slice(0, -1))
}
