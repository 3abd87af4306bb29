import { createHmac } from 'node:crypto'
import { SECRET_PREFIX } from '../directory/webhooks.ts'

/**
 * Signs an event as Standard Webhooks does: HMAC with SHA-256 over the id, the time of the attempt and the body, with a
 * dot between them.
 * @param secret `whsec_` and base64
 * @param message.timestamp seconds since 1970
 * @returns the headers of the request
 */
export function signEvent(
  secret: string,
  message: { readonly id: string; readonly timestamp: number; readonly body: string },
): Record<string, string> {
  const { id, timestamp, body } = message
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  }
}
