/**
 * Calls again and again until it returns true. Returns how many milliseconds that took.
 * @throws {Error} after `limitMs`
 */
export async function waitUntil(isSo: () => Promise<boolean>, limitMs: number): Promise<number> {
  const begun = performance.now()
  while (!(await isSo())) {
    if (performance.now() - begun > limitMs) throw new Error(`not so after ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return performance.now() - begun
}
