import { diff } from '../model/audit.ts'
import type { Context } from '../model/context.ts'
import { checkWebhook, type ReceiverRule, toOperationSet, type WebhookChanges } from '../model/webhooks.ts'
import { deleteWaitingExcept } from '../store/tables/deliveries.ts'
import { forgetFailures, interruptWebhook, updateWebhookContent } from '../store/tables/webhooks.ts'
import type { Directory } from './directory.ts'
import { runUnit } from './unit.ts'
import { getReachableWebhook } from './webhooks.ts'

/**
 * Changes a webhook. Its place in the log and its secrets stay. A new URL gets at once what waits, and its failures and
 * the time until an event is given up begin anew. What waits of operations that it is not for any more is dropped. A
 * change that leaves the webhook as it is writes only an audit entry.
 * @param request.changes members that are left out stay as they are
 * @throws {DirectoryError} `not_permitted`, `invalid`, `webhook_not_found`, `store_unavailable`
 */
export function updateWebhook(
  dir: Directory,
  ctx: Context,
  request: { readonly id: string; readonly changes: WebhookChanges; readonly receivers: ReceiverRule },
): Promise<void> {
  const { id, receivers } = request
  const issues = checkWebhook(request.changes, receivers)
  return runUnit(dir, ctx, { operation: 'UpdateWebhook', target: id, issues }, async (unit) => {
    const { tx } = unit
    const before = await getReachableWebhook(tx, ctx, id)
    const { url = before.url, name = before.name, operations: sent } = request.changes
    const operations = sent === undefined ? before.operations : toOperationSet(sent)
    const changes = diff(before, { url, name, operations })
    if (changes.length > 0) await updateWebhookContent(tx, before.pk, { url, name, operations })
    const isChanged = (member: string): boolean => changes.some((change) => change.name === member)
    if (isChanged('url')) await forgetFailures(tx, before.pk)
    if (isChanged('operations') && operations) await deleteWaitingExcept(tx, before.pk, operations)
    // A turn that runs has the former URL and operations. It must store nothing of them.
    if (isChanged('url') || isChanged('operations')) await interruptWebhook(tx, before.pk)
    const outcome = changes.length > 0 ? 'updated' : 'repeated'
    await unit.audit({ outcome, organization: before.organizationId, target: before.id, changes })
  })
}
