/** Returns the value below which a share of the values lies, from 0 to 1; NaN without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Returns the value in the middle; NaN without values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Returns a ratio and the range of its rounds as text: `0.31 (0.29–0.33)`. */
export function toRange(values: readonly number[], digits = 2): string {
  const [low, high] = [quantile(values, 0), quantile(values, 1)]
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`
}
