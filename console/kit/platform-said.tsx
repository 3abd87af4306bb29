import type { Cause } from '../../src/model/causes.ts'
import { useText } from '../text/text.ts'

interface PlatformSaidProps {
  readonly cause: Cause | null
  readonly error: string
}

/** What a platform said when a call failed: in its own words, which are English, and marked as such. */
export function PlatformSaid({ cause, error }: PlatformSaidProps) {
  const { explain } = useText()
  const [before, after] = explain.platformSaid(cause?.code ?? null, MARK).split(MARK)
  return (
    <div className="quiet">
      {before}
      <span lang="en">{error}</span>
      {after}
    </div>
  )
}

/** Stands for what was said: no error has it. */
const MARK = '\u0000'
