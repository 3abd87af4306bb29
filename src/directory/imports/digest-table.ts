import { hash } from 'node:crypto'

/** The slots of an empty table. It doubles when it is half full. */
const SLOTS = 1 << 9

/**
 * A hash table from keys to digests of texts. A slot takes 8 bytes, and 4 for each digest; the table is at most half
 * full. A key is kept as 48 bits of its SHA-256: among a million keys, two are confused with a probability of 1 in 560.
 */
export class DigestTable {
  readonly #width: number
  #keys = new Float64Array(SLOTS)
  #digests: Uint32Array
  #count = 0

  /** @param width the number of digests of a key */
  constructor(width: number) {
    this.#width = width
    this.#digests = new Uint32Array(SLOTS * width)
  }

  /**
   * Adds a key with the digests of its texts.
   * @returns whether the key is new; if not, nothing has changed
   */
  add(key: string, texts: readonly string[]): boolean {
    if (this.#count * 2 >= this.#keys.length) this.#grow()
    const number = toNumber(key)
    const at = this.#find(number)
    if (this.#keys[at] === number) return false
    this.#keys[at] = number
    this.#digests.set(texts.map(digest), at * this.#width)
    this.#count++
    return true
  }

  /** Returns the digests of a key; undefined if it was not added. */
  get(key: string): Uint32Array | undefined {
    const number = toNumber(key)
    const at = this.#find(number)
    if (this.#keys[at] !== number) return undefined
    return this.#digests.subarray(at * this.#width, (at + 1) * this.#width)
  }

  /** Returns the slot of a number, or the free slot in which it would be. */
  #find(number: number): number {
    const slots = this.#keys.length
    for (let at = number % slots; ; at = (at + 1) % slots)
      if (this.#keys[at] === number || this.#keys[at] === 0) return at
  }

  #grow(): void {
    const [keys, digests, width] = [this.#keys, this.#digests, this.#width]
    this.#keys = new Float64Array(keys.length * 2)
    this.#digests = new Uint32Array(digests.length * 2)
    for (const [slot, number] of keys.entries()) {
      if (number === 0) continue
      const at = this.#find(number)
      this.#keys[at] = number
      this.#digests.set(digests.subarray(slot * width, (slot + 1) * width), at * width)
    }
  }
}

/** 0 marks a free slot. */
function toNumber(key: string): number {
  return hash('sha256', key, 'buffer').readUIntBE(0, 6) + 1
}

/**
 * Returns the 32 bits of FNV-1a of a text: two texts have the same with a probability of 1 in 4 billion. A stronger hash
 * would take most of the time of a plan.
 */
export function digest(text: string): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return sum >>> 0
}
