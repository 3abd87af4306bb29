import { DirectoryError } from '../../model/error.ts'

/** The name and value of each term of a filter. Null if two terms contradict each other; then nothing matches. */
export type Terms<Name extends string> = Readonly<Partial<Record<Name, string>>> | null

/**
 * Parses the filter of a query (section 5.6 of the contract): terms of the form `name==value`, joined with `;`. All
 * terms must hold. A term that cannot be parsed is an error: a query without it would match more than the caller asked
 * for.
 * @param names the names that the endpoint knows
 * @throws {DirectoryError} `invalid` about `filter`
 */
export function parseFilter<Name extends string>(
  text: string | undefined,
  names: readonly Name[],
): Terms<Name> {
  const terms = new Map<Name, string>()
  let contradictory = false
  for (const term of splitTerms(decodeOnce(text ?? ''))) {
    const [name, value] = parseTerm(term, names)
    if (terms.has(name) && terms.get(name) !== value) contradictory = true
    terms.set(name, value)
  }
  return contradictory ? null : (Object.fromEntries(terms) as Partial<Record<Name, string>>)
}

/**
 * Decodes a filter that its sender encoded twice. Every term has `==`, so a filter with only the encoded form of it was
 * encoded once more than the query needs.
 * @throws {DirectoryError} `invalid` about `filter` if it cannot be decoded
 */
function decodeOnce(text: string): string {
  if (text.includes('==') || !/%3d%3d/i.test(text)) return text
  try {
    // A form writes a blank as a plus, and every encoding writes a plus as %2B.
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw invalid('is encoded twice, and holds a percent sign that encodes nothing')
  }
}

/** Splits a filter into its terms. Filters often end in one or more semicolons. */
function splitTerms(text: string): string[] {
  let end = text.length
  while (text[end - 1] === ';') end--
  return end === 0 ? [] : text.slice(0, end).split(';')
}

function parseTerm<Name extends string>(term: string, names: readonly Name[]): [name: Name, value: string] {
  const at = term.indexOf('==')
  const value = unquote(term.slice(at + 2))
  if (at < 1 || value === '') throw invalid(`must have terms of the form name==value, not '${term}'`)
  const name = names.find((one) => one === term.slice(0, at))
  if (name === undefined) throw invalid(`has the name '${term.slice(0, at)}'; there are ${names.join(', ')}`)
  return [name, value]
}

/** Removes the quotes around a value with blanks. Object Storage Extension puts such values in quotes. */
function unquote(value: string): string {
  const quoted = /^["']/.test(value) && value.length > 2 && value.endsWith(value.charAt(0))
  return quoted && value.includes(' ') ? value.slice(1, -1) : value
}

/**
 * Parses the value of a term that is true or false; Python writes them with a capital letter.
 * @throws {DirectoryError} `invalid` about `filter`, unless the value is `true`, `false` or absent
 */
export function parseFlag(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined
  if (/^([Tt]rue|[Ff]alse)$/.test(value)) return value.toLowerCase() === 'true'
  throw invalid(`must compare ${name} with true or false, not '${value}'`)
}

function invalid(message: string): DirectoryError {
  return new DirectoryError('invalid', `filter ${message}`, {
    issues: [{ path: 'filter', rule: 'filter', message }],
  })
}
