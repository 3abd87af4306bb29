import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { sql } from 'kysely'
import type { AuditHead, AuditKey, AuditKeySealer, AuditVerdict, Tx } from '../port.ts'
import type { Tables } from '../schema.ts'
import { statement } from '../statement.ts'
import { ENTRY_COLUMNS, readInteger, toHashedEntry } from './entries.ts'
import { FaultList } from './faults.ts'
import { GENESIS_HASH, hashEntry } from './hashes.ts'
import { selectAuditKey } from './keys.ts'

/** The number of blocks, and the number of entries of one block, in memory at once. */
const PAGE = 500
/**
 * The greatest number that blocks and primary keys may have. SQLite holds greater ones, which no number can express.
 */
const MAX = Number.MAX_SAFE_INTEGER

/** What a check needs besides the log. */
interface CheckOptions {
  readonly sealer: AuditKeySealer
  /** A block that the log must contain. */
  readonly expected: AuditHead | undefined
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
  db
    .selectFrom('audit_entries')
    .select((eb) => [eb.fn.countAll<number>().as('total'), eb.fn.count<number>('block').as('sealed')]),
)

const selectBlockHash = statement((db, p: { block: number }) =>
  db.selectFrom('audit_blocks').select('seal').where('number', '=', p.block),
)

/**
 * Checks the whole chain: every entry against its hash, every block against its entries and the block before it.
 * An entry that is in no block yet is counted, but is not a fault. Memory and time do not depend on what forged rows
 * hold.
 */
export async function verifyAuditLog(tx: Tx, options: CheckOptions): Promise<AuditVerdict> {
  const { verdict } = await check(tx, options)
  return verdict
}

/**
 * Like `verifyAuditLog`, for a store that writes an audit block with every commit (SQLite): there, an entry without a
 * block is a fault.
 */
export async function verifySealedAuditLog(tx: Tx, options: CheckOptions): Promise<AuditVerdict> {
  const { verdict, faults } = await check(tx, options)
  if (verdict.unsealed === 0) return verdict
  await faults.addUnsealed(tx, verdict.unsealed)
  return { ...verdict, ...faults.list() }
}

async function check(tx: Tx, options: CheckOptions): Promise<{ verdict: AuditVerdict; faults: FaultList }> {
  const faults = new FaultList()
  const key = await readKey(tx, options.sealer, faults)
  const { head, blocks, found } = await checkChain(tx, key, faults)
  const { total, sealed } = (await tx.get(countEntries, {})) ?? { total: 0, sealed: 0 }
  if (sealed > found) await faults.addStray(tx, sealed - found)
  const { expected } = options
  if (expected && (await tx.get(selectBlockHash, { block: expected.block }))?.seal !== expected.hash)
    faults.addBlock(expected.block, 'not_expected')
  const facts = { entries: total, blocks, unsealed: total - sealed, head, keyedFrom: key?.from ?? null }
  return { verdict: { ...facts, ...faults.list() }, faults }
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

interface Chain {
  readonly head: AuditHead
  readonly blocks: number
  /** The number of entries found in the blocks. */
  readonly found: number
}

async function checkChain(tx: Tx, key: AuditKey | undefined, faults: FaultList): Promise<Chain> {
  let head: AuditHead = { block: 0, hash: GENESIS_HASH }
  let [blocks, found] = [0, 0]
  for (;;) {
    const page = await tx.all(selectBlocks, { after: head.block })
    for (const block of page) {
      const isNext = block.number === head.block + 1
      if (!isNext) faults.addMissingBlocks(head.block + 1, block.number - 1)
      const previousHash = isNext ? head.hash : block.previous_hash
      found += await checkBlock(tx, { block, previousHash, key }, faults)
      head = { block: block.number, hash: block.seal }
      blocks++
    }
    if (page.length < PAGE) break
  }
  const impossible = (await tx.get(countImpossible, {}))?.blocks ?? 0
  if (impossible > 0) faults.addBlock(0, 'block_impossible')
  return { head, blocks: blocks + impossible, found }
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

/** Checks one block and its entries. Returns the number of entries that were found. */
async function checkBlock(tx: Tx, link: Link, faults: FaultList): Promise<number> {
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
  return found
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

/** Begins the hash of a block; see `hashBlock`. Blocks before the first one with an HMAC have a plain SHA-256. */
function newBlockHasher({ number, previous_hash }: Block, key: AuditKey | undefined): Hash | Hmac {
  const isKeyed = key !== undefined && number >= key.from
  const hasher = isKeyed ? createHmac('sha256', key.secret) : createHash('sha256')
  return hasher.update(JSON.stringify([number, previous_hash]).slice(0, -1))
}
