/**
 * How far a reader of changes has come. A reader passes through the changes in sweeps, from the oldest to the newest.
 */
export interface ChangeCursor {
  /** The sweep began with changes of this time. ISO 8601. */
  readonly from: string
  /** The last change of this sweep that was read; null at its beginning. */
  readonly at: { readonly at: string; readonly pk: number } | null
  /** What earlier sweeps have returned since `from`: versions by the primary key of the user. */
  readonly seen: ReadonlyMap<number, number>
  /** The next sweep begins with changes of this time; null at the beginning of a sweep. */
  readonly next: string | null
  /** What was returned since `next`. */
  readonly returned: ReadonlyMap<number, number>
}

/** The cursor of a reader who has read nothing, for changes since a time. */
export function newChangeCursor(since: string): ChangeCursor {
  return { from: since, at: null, seen: new Map(), next: null, returned: new Map() }
}

/** Returns a cursor as text. */
export function toChangeToken({ from, at, seen, next, returned }: ChangeCursor): string {
  const parts = [from, at?.at ?? '', at?.pk ?? 0, next ?? '', toText(seen), toText(returned)]
  return parts.join(' ')
}

/** Reads what `toChangeToken` returned. Returns undefined for another text. */
export function fromChangeToken(token: string): ChangeCursor | undefined {
  const match = TOKEN.exec(token)
  const [, from = '', at = '', pk = '', next = '', seen = '', returned = ''] = match ?? []
  if (!match) return undefined
  return {
    from,
    at: at === '' ? null : { at, pk: Number(pk) },
    seen: fromText(seen),
    next: next === '' ? null : next,
    returned: fromText(returned),
  }
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
const VERSIONS = '(?:[0-9a-z]{1,10}\\.[0-9a-z]{1,6},)*'
const TOKEN = new RegExp(`^(${TIME}) (${TIME})? (\\d{1,15}) (${TIME})? (${VERSIONS}) (${VERSIONS})$`)

function toText(versions: ReadonlyMap<number, number>): string {
  return [...versions].map(([pk, version]) => `${pk.toString(36)}.${version.toString(36)},`).join('')
}

function fromText(text: string): ReadonlyMap<number, number> {
  const pairs = text.split(',').filter((pair) => pair !== '')
  return new Map(
    pairs.map((pair) => {
      const [pk = '', version = ''] = pair.split('.')
      return [Number.parseInt(pk, 36), Number.parseInt(version, 36)]
    }),
  )
}
