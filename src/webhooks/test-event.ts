import type { Directory } from '../directory/directory.ts'
import { beginWebhookTest } from '../directory/webhooks.ts'
import type { Context } from '../model/context.ts'
import { newId } from '../model/ids.ts'
import type { Attempt, WebhookSender } from './sender.ts'

/**
 * Sends a test event to a webhook, once. The event is not in the audit log, and is not repeated.
 * @throws {DirectoryError} `not_permitted`, `webhook_not_found`, `store_unavailable`
 * @throws {SealError} if the master keys do not open the secret of the webhook
 */
export async function testWebhook(
  dir: Directory,
  ctx: Context,
  { id, sender }: { readonly id: string; readonly sender: WebhookSender },
): Promise<Omit<Attempt, 'waitMs'>> {
  const webhook = await beginWebhookTest(dir, ctx, id)
  const data = { webhookId: webhook.id, correlationId: ctx.correlationId }
  const event = { id: newId(), type: 'Test', timestamp: dir.now().toISOString(), data }
  const { waitMs, ...tested } = await sender.send(webhook, event)
  return tested
}
