/** How one language writes numbers and times. */
export interface Formats {
  /** 12,345 */
  readonly number: (value: number) => string
  /** 28 Nov 2026, 15:04 CET */
  readonly time: (iso: string) => string
  /** 28 Nov 2026, 15:04:09 CET */
  readonly exactTime: (iso: string) => string
  /** The time of today, the day of this year, else the date. */
  readonly shortTime: (iso: string) => string
  /** in 5 minutes, 3 hours ago */
  readonly relative: (iso: string, now?: number) => string
  /** 41.2 GB */
  readonly bytes: (value: number) => string
  /** a, b and c */
  readonly list: (items: readonly string[]) => string
  /** Chooses the form of a count: `plural(3, 'user', 'users')`. */
  readonly plural: (count: number, one: string, other: string) => string
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

const BYTES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const

/** Returns the formats of a language. */
export function newFormats(locale: string): Formats {
  const number = new Intl.NumberFormat(locale)
  const zoned = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' })
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short' })
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' })
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const list = new Intl.ListFormat(locale)
  const rules = new Intl.PluralRules(locale)
  return {
    number: (value) => number.format(value),
    time: (iso) => `${date.format(new Date(iso))}, ${zoned.format(new Date(iso))}`,
    exactTime: (iso) => exact.format(new Date(iso)),
    shortTime(iso) {
      const then = new Date(iso)
      const now = new Date()
      if (then.toDateString() === now.toDateString()) return clock.format(then)
      return (then.getFullYear() === now.getFullYear() ? day : date).format(then)
    },
    relative(iso, now = Date.now()) {
      const distance = Date.parse(iso) - now
      const [unit, length] = UNITS.find(([, ms]) => Math.abs(distance) >= ms) ?? ['second', 1_000]
      return relative.format(Math.round(distance / length), unit)
    },
    bytes(value) {
      const step = value < 1 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), BYTES.length - 1)
      const unit = BYTES[step] ?? 'byte'
      const format = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 } as const
      return new Intl.NumberFormat(locale, format).format(value / 1_000 ** step)
    },
    list: (items) => list.format(items),
    plural: (count, one, other) => (rules.select(count) === 'one' ? one : other),
  }
}
