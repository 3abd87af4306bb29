// Whether the server could be reached by the last call.

let isReached = true
const listeners = new Set<() => void>()

/** Notes how the last call went. */
export function noteConnection(wasReached: boolean): void {
  if (wasReached === isReached) return
  isReached = wasReached
  for (const told of listeners) told()
}

/** Returns whether the last call reached the server. */
export function isConnected(): boolean {
  return isReached
}

/** Calls `told` at each change. Returns what ends that. */
export function onConnection(told: () => void): () => void {
  listeners.add(told)
  return () => listeners.delete(told)
}
