import type { ReactNode } from 'react'
import type { Reason, Step, StepCode } from '../../src/model/explain.ts'
import { type Text, useText } from '../text/text.ts'
import styles from './steps.module.css'

const ICONS = { yes: '✓', no: '✗', unknown: '○', not_needed: '–' } as const

/** Says a reason in the person's language. */
export function sayReason(reason: Reason, { explain }: Text): string {
  const say = explain.reasons[reason.code] as (params: Reason['params']) => string
  return say(reason.params)
}

interface StepsProps {
  readonly steps: readonly Step[]
  /** What stands beside a step: when it was so, or a link. */
  readonly beside?: Partial<Record<StepCode, ReactNode>>
}

/** The steps of an explanation, in order. Steps that are not needed are left out. */
export function Steps({ steps, beside = {} }: StepsProps) {
  const text = useText()
  const failedAt = steps.findIndex(({ state }) => state === 'no')
  return (
    <ol className={styles.steps}>
      {steps.map((step, at) => {
        const { code, state } = step
        if (state === 'not_needed') return null
        const note = noteOf(step, text, failedAt === -1 ? 0 : at - failedAt)
        const isShort = step.reason === null
        return (
          <li key={code} className={styles[state]} data-step={code} data-state={state}>
            <span aria-hidden="true">{ICONS[state]}</span>
            <span>
              {text.explain.steps[code]} <span className="sr-only">({text.explain.states[state]})</span>
              {note && isShort && <i> ({note})</i>}
            </span>
            {beside[code] && <span className={`${styles.beside} quiet`}>{beside[code]}</span>}
            {note && !isShort && <span className={`${styles.note} quiet`}>{note}</span>}
          </li>
        )
      })}
    </ol>
  )
}

/** @param distance how many steps it comes after the one that failed; 0 if none failed */
function noteOf({ state, reason }: Step, text: Text, distance: number): string | null {
  if (reason) return sayReason(reason, text)
  if (state !== 'unknown') return null
  const { notAsked, notKnownYet, states } = text.explain
  if (distance <= 0) return notAsked
  return distance === 1 ? notKnownYet : states.unknown
}

/** Formats an explanation as plain text, to be pasted into a ticket. */
export function toPlainText(title: string, steps: readonly Step[], text: Text): string {
  const failedAt = steps.findIndex(({ state }) => state === 'no')
  const lines = steps.flatMap((step, at) => {
    if (step.state === 'not_needed') return []
    const note = noteOf(step, text, failedAt === -1 ? 0 : at - failedAt)
    const { steps: names, states } = text.explain
    return [
      `${ICONS[step.state]} ${names[step.code]} (${states[step.state]})`,
      ...(note ? [`   ${note}`] : []),
    ]
  })
  return [title, ...lines].join('\n')
}
