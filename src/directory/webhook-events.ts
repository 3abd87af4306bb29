import type { AuditEntry } from '../model/audit.ts'
import { toEvent, type WebhookEvent } from '../model/webhooks.ts'
import { selectCallerNames } from '../store/audit/log-names.ts'
import type { Tx } from '../store/port.ts'

/**
 * Makes the events of audit entries for a webhook. That of a reseller gets the kind alone of callers that are neither
 * its own nor those of its customers, as in the reseller's audit log.
 */
export async function toEvents(
  tx: Tx,
  { providerPk, organizationPk }: { readonly providerPk: number; readonly organizationPk: number },
  entries: readonly AuditEntry[],
): Promise<WebhookEvent[]> {
  if (providerPk === organizationPk) return entries.map(toEvent)
  const reader = { providerPk, reseller: { pk: organizationPk } }
  const callers = entries.map(({ caller }) => caller)
  const known = await selectCallerNames(tx, callers, reader)
  return entries.map((entry) => {
    const event = toEvent(entry)
    const { caller } = entry
    if (caller.kind === 'operator' || known.has(caller.id)) return event
    return { ...event, data: { ...event.data, caller: { kind: caller.kind } } }
  })
}
