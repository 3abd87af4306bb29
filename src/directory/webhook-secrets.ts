import { randomBytes } from 'node:crypto'
import type { Directory } from './directory.ts'
import { type FormerSecret, listAccepted } from './secret-overlap.ts'

/** The beginning of every secret (Standard Webhooks). */
export const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES = 32

/** The secrets of a webhook. Events are signed with all of them. */
export interface WebhookSecrets {
  readonly secret: string
  /** The replaced secrets that receivers may still have, newest first. */
  readonly former: readonly FormerWebhookSecret[]
}

/** A replaced secret of a webhook, and until when events are signed with it, too. */
interface FormerWebhookSecret extends FormerSecret {
  readonly secret: string
}

/** What the secrets of a webhook are bound to. */
interface Owner {
  readonly id: string
  readonly organizationId: string
}

/** Makes a secret in the form of Standard Webhooks: `whsec_` and 32 bytes in base64. */
export function newWebhookSecret(): string {
  return `${SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`
}

/** Seals the secrets of a webhook as one text: the secret alone, or JSON with those before it. */
export function sealWebhookSecrets({ sealer }: Directory, owner: Owner, secrets: WebhookSecrets): string {
  const content = secrets.former.length === 0 ? secrets.secret : JSON.stringify(secrets)
  return sealer.seal(content, identityOf(owner))
}

/**
 * Opens the secrets of a webhook. Those that have ended are left out.
 * @throws {SealError} if the master keys do not open them
 */
export function openWebhookSecrets(
  { sealer, now }: Directory,
  { sealedSecret, ...owner }: Owner & { readonly sealedSecret: string },
): WebhookSecrets {
  const content = sealer.open(sealedSecret, identityOf(owner))
  if (content.startsWith(SECRET_PREFIX)) return { secret: content, former: [] }
  const { secret, former } = JSON.parse(content) as WebhookSecrets
  return { secret, former: listAccepted(former, now()) }
}

function identityOf({ id, organizationId }: Owner): string {
  return `webhook:${id}:${organizationId}`
}
