import { hash } from 'node:crypto'

/** The slots of an empty table. It doubles when it is half full. */
const SLOTS = 1 << 9

/**
 * Remembers which keys have been seen, and with which content, in 12 bytes a slot: a plan must know all people of its
 * file. Keys are kept as 48 bits of their SHA-256, so two of a million keys are taken for one with a chance of 1 to
 * 500.
 */
export class SeenRows {
  #keys = new Float64Array(SLOTS)
  #contents = new Uint32Array(SLOTS)
  #count = 0

  /**
   * Notes a key with its content, unless the key has been seen.
   * @returns `new`, or whether it was seen with the `same` content or with `other` content
   */
  note(key: string, content: string): 'new' | 'same' | 'other' {
    if (this.#count * 2 >= this.#keys.length) this.#grow()
    // 0 marks a free slot.
    const number = digest(key).readUIntBE(0, 6) + 1
    const mark = digest(content).readUInt32BE(0)
    const at = this.#find(number)
    if (this.#keys[at] === number) return this.#contents[at] === mark ? 'same' : 'other'
    this.#keys[at] = number
    this.#contents[at] = mark
    this.#count++
    return 'new'
  }

  /** Returns the slot of a number, or the free slot in which it would be. */
  #find(number: number): number {
    const slots = this.#keys.length
    for (let at = number % slots; ; at = (at + 1) % slots)
      if (this.#keys[at] === number || this.#keys[at] === 0) return at
  }

  #grow(): void {
    const [keys, contents] = [this.#keys, this.#contents]
    this.#keys = new Float64Array(keys.length * 2)
    this.#contents = new Uint32Array(keys.length * 2)
    for (const [i, number] of keys.entries()) {
      if (number === 0) continue
      const at = this.#find(number)
      this.#keys[at] = number
      this.#contents[at] = contents[i] ?? 0
    }
  }
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
