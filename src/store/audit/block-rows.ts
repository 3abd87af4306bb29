import { createHmac, hash } from 'node:crypto'
import type { AuditKey, OpenBlock } from '../port.ts'
import type { Tables } from '../schema.ts'

/** Stands in the first block for the hash of a previous block. */
export const GENESIS_HASH = hash('sha256', 'usher audit log', 'base64url')

/** The number and the hash of the newest block. */
export interface BlockHead {
  readonly number: number
  readonly hash: string
}

/**
 * Makes the block that follows the newest one, still empty.
 * @param head what `headBlock` selected; undefined before the first block
 */
export function toNextBlock(head: BlockHead | undefined): OpenBlock {
  return { number: (head?.number ?? 0) + 1, previousHash: head?.hash ?? GENESIS_HASH, hashes: [] }
}

/** A block with the lowest and the highest primary key of its entries. */
export interface FilledBlock {
  readonly block: OpenBlock
  readonly first: number
  readonly last: number
}

/** A row of `audit_blocks`. */
export type BlockRow = Tables['audit_blocks']

/**
 * Returns the row that seals a block. The seal is an HMAC with SHA-256 (RFC 2104). It covers the block's number, the
 * hash of the block before it, and the hashes of its entries in order.
 */
export function toBlockRow({ block, first, last }: FilledBlock, key: AuditKey): BlockRow {
  const content = JSON.stringify([block.number, block.previousHash, ...block.hashes])
  return {
    number: block.number,
    first_pk: first,
    last_pk: last,
    entries: block.hashes.length,
    previous_hash: block.previousHash,
    seal: createHmac('sha256', key.secret).update(content).digest('base64url'),
  }
}
