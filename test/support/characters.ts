import fc from 'fast-check'

const SURROGATES = 0xd800
const AFTER_SURROGATES = 0xe000
const COUNT = 0x110000 - (AFTER_SURROGATES - SURROGATES)

/**
 * Any character of Unicode, as the `unit` of `fc.string`. It gives what fast-check's own unit `binary` gives, which
 * first builds a table of all characters: a second of CPU time in each process.
 */
export const anyCharacter = fc.integer({ min: 0, max: COUNT - 1 }).map(
  (n) => String.fromCodePoint(n < SURROGATES ? n : n - SURROGATES + AFTER_SURROGATES),
  (character) => {
    const point = typeof character === 'string' ? character.codePointAt(0) : undefined
    if (point === undefined || character !== String.fromCodePoint(point)) throw new Error('not a character')
    return point < SURROGATES ? point : point - AFTER_SURROGATES + SURROGATES
  },
)
