import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The heap from which on garbage is collected. What an import needs at a time is a third of it. */
const MAX_HEAP_BYTES = 48 * 1024 * 1024

/**
 * Keeps the memory of a long command small. V8 would let its new space, and then the garbage of the rows, grow to
 * several times what the rows need.
 * @returns a function to call between two commits
 */
export function limitMemory(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  return () => {
    if (getHeapStatistics().used_heap_size > MAX_HEAP_BYTES) collect()
  }
}
