import type { Hit } from './hits.tsx'

const KEPT = 'usher-recent'
const MOST = 5

/** What the person chose in Find before, in this tab: the kind and the id alone, newest first. */
export function readRecent(): readonly Pick<Hit, 'kind' | 'id'>[] {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? '[]') as Pick<Hit, 'kind' | 'id'>[]
  } catch {
    return []
  }
}

/** Keeps that the person chose it. */
export function keepRecent({ kind, id }: Hit): void {
  const others = readRecent().filter((one) => one.id !== id)
  sessionStorage.setItem(KEPT, JSON.stringify([{ kind, id }, ...others].slice(0, MOST)))
}
