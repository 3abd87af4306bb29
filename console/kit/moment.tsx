import { useText } from '../text/text.ts'

interface MomentProps {
  /** The time, as ISO 8601 has it. */
  readonly at: string
  /** `short` and `relative` for lists; `exact` has seconds, where times of systems are compared. */
  readonly look?: 'short' | 'relative' | 'full' | 'exact'
}

/** A time in the zone of the browser: every time of the console. Its tooltip has the seconds and the zone. */
export function Moment({ at, look = 'full' }: MomentProps) {
  const { format } = useText()
  const exact = format.exactTime(at)
  const { shortTime, relative, time } = format
  const shown = {
    short: shortTime,
    relative: (iso: string) => relative(iso),
    full: time,
    exact: () => exact,
  }[look](at)
  return (
    <time dateTime={at} title={exact}>
      {shown}
    </time>
  )
}
