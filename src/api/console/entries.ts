import type { Static } from 'typebox'
import type { DescribedEntry } from '../../directory/audit-entries.ts'
import type { ShownAttempt } from '../../directory/timeline.ts'
import type { AttemptsView } from './contract/attempts.ts'
import type { Entry } from './contract/entries.ts'

/** Converts an entry of the audit log to that of the contract. */
export function toEntry(described: DescribedEntry): Static<typeof Entry> {
  const { id, at, operation, status, outcome, caller, user, target, correlationId } = described
  const { about, place, context, changedFields, changes } = described
  return {
    ...{ id, at, operation, status, outcome, target, about, correlationId },
    caller: { kind: caller.kind, id: user.id, name: user.name },
    organization: place,
    reseller: context && { id: context.id, name: context.name },
    changedFields: [...changedFields],
    changes: changes.map(({ name, before, after }) => ({ name, before, after })),
  }
}

/** Converts equal attempts in a row to those of the contract. */
export function toAttempts(shown: ShownAttempt): Static<typeof AttemptsView> {
  const { number: _, changedAt: __, ...attempts } = shown
  return attempts
}
