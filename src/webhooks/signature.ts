import { createHmac } from 'node:crypto'
import { SECRET_PREFIX } from '../directory/webhook-secrets.ts'

/**
 * Signs an event as Standard Webhooks does: HMAC with SHA-256 over the id, the time of the attempt and the body, with a
 * dot between them. The header has one signature for each secret, with spaces between them.
 * @param secrets each is `whsec_` and base64
 * @param message.timestamp seconds since 1970
 * @returns the headers of the request
 */
export function signEvent(
  secrets: readonly string[],
  message: { readonly id: string; readonly timestamp: number; readonly body: string },
): Record<string, string> {
  const { id, timestamp, body } = message
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  }
}
