/** A day, in milliseconds. */
export const DAY_MS = 24 * 60 * 60 * 1000

/** Says what `isTime` requires. */
export const TIME_MESSAGE = 'must be a time such as 2026-11-22T08:00:00Z'

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/i

/** Returns whether a text is a time with its offset (`date-time` of RFC 3339), without leap seconds. */
export function isTime(text: string): boolean {
  return parse(text) !== undefined
}

/**
 * Returns a time in the form in which times are stored and compared: UTC with milliseconds, what is smaller cut off.
 * @param text a text that `isTime` accepts
 */
export function toUtc(text: string): string {
  const utc = parse(text)
  if (utc === undefined) throw new Error('the text is no time')
  return utc
}

function parse(text: string): string | undefined {
  const [, ...parts] = TIME.exec(text) ?? []
  const [year, month, day, hour, minute, second] = parts.map(Number) as [number, ...number[]]
  const [fraction = '', sign, hours = '0', minutes = '0'] = parts.slice(6)
  if (year === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  const local = new Date(0)
  local.setUTCFullYear(year, (month ?? 0) - 1, day)
  local.setUTCHours(hour ?? 0, minute, second, Number(fraction.slice(0, 3).padEnd(3, '0')))
  // The 30th of February became the 1st or 2nd of March, and 24:00 the next day.
  if (!local.toISOString().startsWith(text.slice(0, 19).toUpperCase())) return undefined
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60_000 : 60_000)
  const utc = new Date(local.getTime() - offset).toISOString()
  // Beyond the years 0 to 9999 the text is longer, and would not compare.
  return utc.length === 24 ? utc : undefined
}
