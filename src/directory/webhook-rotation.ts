import type { Context } from '../model/context.ts'
import { toInvalid } from '../model/error.ts'
import { type StoredWebhook, updateWebhookSecret } from '../store/tables/webhooks.ts'
import type { Directory } from './directory.ts'
import { SealError } from './sealing/sealer.ts'
import { checkOverlapEnd, findLastEnd, overlapSecrets } from './secret-overlap.ts'
import { runUnit } from './unit.ts'
import {
  newWebhookSecret,
  openWebhookSecrets,
  sealWebhookSecrets,
  type WebhookSecrets,
} from './webhook-secrets.ts'
import { getReachableWebhook, type IssuedWebhook } from './webhooks.ts'

/** The webhook whose secret is replaced. */
export interface WebhookRotation {
  readonly id: string
  /**
   * The time until which events are signed with the former secret, too, as `toUtc` returns it, 90 days at most; the
   * secrets before it end then too, unless they end sooner. Null ends all of them at once. By default, the former secret
   * signs for a day, and those before it keep their times.
   */
  readonly previousUntil?: string | null | undefined
}

/** The new secret of a webhook, which is returned only here, and until when the former one signs, too. */
export interface RotatedWebhook extends IssuedWebhook {
  readonly previousUntil: string | null
}

/**
 * Replaces the secret of a webhook. What waits for it, and its place in the log, stay. Deliveries that run are still
 * signed with the secrets from before the call.
 * @throws {DirectoryError} `not_permitted`, `invalid` also if the master keys do not open the secrets, unless all of them
 *   end; `webhook_not_found`, `store_unavailable`
 */
export function rotateWebhook(
  dir: Directory,
  ctx: Context,
  { id, previousUntil: until }: WebhookRotation,
): Promise<RotatedWebhook> {
  const issues = checkOverlapEnd(until, dir.now())
  const subject = { operation: 'RotateWebhook', target: id, issues, returnsSecret: true } as const
  return runUnit(dir, ctx, subject, async (unit) => {
    const { tx, now } = unit
    const webhook = await getReachableWebhook(tx, ctx, id)
    const at = new Date(now)
    // If all secrets end, none is opened: the rotation also helps if no master key opens them.
    const { previousUntil, previous } = overlapSecrets({ until, now: at }, (validUntil) => {
      const { secret, former } = openSecrets(dir, webhook)
      return [{ secret, validUntil }, ...former]
    })
    const secret = newWebhookSecret()
    const sealedSecret = sealWebhookSecrets(dir, webhook, { secret, former: previous })
    const oldSecretUntil = findLastEnd(previous, at)
    await updateWebhookSecret(tx, webhook.pk, { sealedSecret, oldSecretUntil, now })
    await unit.audit({
      outcome: 'rotated',
      organization: webhook.organizationId,
      target: webhook.id,
      changedFields: ['secret'],
    })
    return { id: webhook.id, secret, previousUntil }
  })
}

/** @throws {DirectoryError} `invalid` if the master keys do not open the secrets, so that none of them can sign */
function openSecrets(dir: Directory, webhook: StoredWebhook): WebhookSecrets {
  try {
    return openWebhookSecrets(dir, webhook)
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    const message = 'must be null: no master key opens the former secret, so it cannot sign'
    throw toInvalid([{ path: 'previousUntil', rule: 'range', message }])
  }
}
