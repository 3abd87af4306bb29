import { isUtf8 } from 'node:buffer'

/**
 * Finds the place where a text stops being JSON (RFC 8259). V8's messages do not always have one, and may quote the text.
 * @returns the index of the first character that no JSON text could have there; the length of the text if it only ends
 *   too early; undefined if it is JSON
 */
export function findJsonFault(text: string): number | undefined {
  const scanner = new Scanner(text)
  return scanner.readText() ? undefined : scanner.at
}

/**
 * Finds the byte at which bytes stop being UTF-8.
 * @returns its index; the number of bytes if they only end in the middle of a character; undefined if they are UTF-8
 */
export function findUtf8Fault(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined
  let [begins, fails] = [0, bytes.length + 1]
  while (fails - begins > 1) {
    const middle = Math.floor((begins + fails) / 2)
    if (beginsUtf8(bytes.subarray(0, middle))) begins = middle
    else fails = middle
  }
  return begins
}

/** Returns whether bytes are UTF-8, or would be with more bytes after them. */
function beginsUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

/**
 * Finds the first bracket that nests JSON deeper than a limit. Parsing deep JSON takes much longer than its size
 * suggests, so this runs before it. Brackets in strings do not count; the bytes need not be JSON.
 * @returns the index of the byte; undefined if there is none
 */
export function findDeepNesting(json: Buffer, levels: number): number | undefined {
  let depth = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > levels) return i
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--
  }
  return undefined
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Reads JSON without making values. Each method returns whether it could; if not, `at` is where it stopped. */
class Scanner {
  at = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** Reads the whole text. The values that are open are on a stack of its own, so that depth costs no stack of calls. */
  readText(): boolean {
    const closers: string[] = []
    for (;;) {
      const closer = this.#readOpening()
      if (closer === undefined) return false
      if (closer !== '') closers.push(closer)
      else if (!this.#readClosings(closers)) return false
      else if (closers.length === 0) return this.at === this.#text.length
    }
  }

  /**
   * Reads a value, or only the beginning of an array or object that is not empty.
   * @returns the character that closes what was begun; an empty text for a whole value; undefined if it could not
   */
  #readOpening(): string | undefined {
    this.#skipBlanks()
    if (this.#take('[')) {
      this.#skipBlanks()
      return this.#take(']') ? '' : ']'
    }
    if (this.#take('{')) {
      this.#skipBlanks()
      if (this.#take('}')) return ''
      return this.#readName() ? '}' : undefined
    }
    return this.#readScalar() ? '' : undefined
  }

  /** Reads what follows a value: closes arrays and objects, up to a comma or the end. */
  #readClosings(closers: string[]): boolean {
    for (;;) {
      this.#skipBlanks()
      const closer = closers.at(-1)
      if (closer === undefined) return true
      if (this.#take(closer)) closers.pop()
      else if (!this.#take(',')) return false
      else return closer === ']' || this.#readName()
    }
  }

  #readName(): boolean {
    this.#skipBlanks()
    if (!this.#readString()) return false
    this.#skipBlanks()
    return this.#take(':')
  }

  #readScalar(): boolean {
    switch (this.#text[this.at]) {
      case '"':
        return this.#readString()
      case 't':
        return this.#takeAll('true')
      case 'f':
        return this.#takeAll('false')
      case 'n':
        return this.#takeAll('null')
      default:
        return this.#readNumber()
    }
  }

  #readString(): boolean {
    if (!this.#take('"')) return false
    while (this.at < this.#text.length) {
      if (this.#take('"')) return true
      if (this.#take('\\')) {
        if (!this.#readEscape()) return false
      } else if (this.#text.charCodeAt(this.at) < 0x20) return false
      else this.at++
    }
    return false
  }

  #readEscape(): boolean {
    if (!this.#take('u')) return this.#takeMatch(/["\\/bfnrt]/y)
    for (let digit = 0; digit < 4; digit++) if (!this.#takeMatch(/[0-9A-Fa-f]/y)) return false
    return true
  }

  #readNumber(): boolean {
    this.#take('-')
    if (!this.#takeMatch(/0|[1-9][0-9]*/y)) return false
    if (this.#take('.') && !this.#takeMatch(/[0-9]+/y)) return false
    if (!this.#takeMatch(/[eE]/y)) return true
    this.#takeMatch(/[+-]/y)
    return this.#takeMatch(/[0-9]+/y)
  }

  #skipBlanks(): void {
    while (' \t\n\r'.includes(this.#text[this.at] ?? 'none')) this.at++
  }

  #take(character: string): boolean {
    if (this.#text[this.at] !== character) return false
    this.at++
    return true
  }

  #takeAll(word: string): boolean {
    for (const character of word) if (!this.#take(character)) return false
    return true
  }

  #takeMatch(pattern: RegExp): boolean {
    pattern.lastIndex = this.at
    if (!pattern.test(this.#text)) return false
    this.at = pattern.lastIndex
    return true
  }
}
