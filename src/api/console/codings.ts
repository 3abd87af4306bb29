/** A way to compress a response (RFC 9110 section 8.4.1), and what the name of such a file ends with. */
export const SUFFIXES = { br: '.br', gzip: '.gz', identity: '' } as const
type Coding = keyof typeof SUFFIXES

/**
 * Chooses how a response is compressed: as brotli if the browser likes that at least as much as gzip.
 * @param header `Accept-Encoding`, see RFC 9110 section 12.5.3
 */
export function chooseCoding(header: string | readonly string[] | undefined): Coding {
  const weights = new Map(
    String(header ?? '')
      .split(',')
      .map(readWeight),
  )
  const weigh = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0
  const [br, gzip] = [weigh('br'), weigh('gzip')]
  if (br > 0 && br >= gzip) return 'br'
  return gzip > 0 ? 'gzip' : 'identity'
}

function readWeight(part: string): [name: string, weight: number] {
  const [name = '', ...parameters] = part.split(';').map((one) => one.trim().toLowerCase())
  const weight = parameters.find((one) => one.startsWith('q='))?.slice(2)
  return [name, weight === undefined ? 1 : Number(weight) || 0]
}
