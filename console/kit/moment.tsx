import { useText } from '../text/text.ts'

interface MomentProps {
  /** The time, as ISO 8601 has it. */
  readonly at: string
  /** `short` for lists, `exact` with seconds and zone where times of systems are compared. */
  readonly look?: 'short' | 'full' | 'exact'
}

/** A time in the zone of the browser. Its tooltip has the seconds and the zone. */
export function Moment({ at, look = 'full' }: MomentProps) {
  const { format } = useText()
  const exact = format.exactTime(at)
  const shown = { short: format.shortTime, full: format.time, exact: () => exact }[look](at)
  return (
    <time dateTime={at} title={exact}>
      {shown}
    </time>
  )
}
