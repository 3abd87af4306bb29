import { hash, timingSafeEqual } from 'node:crypto'
import type { Client } from '../model/clients.ts'
import type { Tx } from '../store/port.ts'
import { updateLastUse } from '../store/tables/clients.ts'
import type { Directory } from './directory.ts'
import { listAccepted } from './secret-overlap.ts'

/** Hashes a secret. It has 256 random bits, so its plain SHA-256 cannot be inverted by guessing. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/**
 * Returns whether a secret is one of the client's that are accepted now, in a time that does not depend on how much of
 * it is right.
 */
export function isSecretOf({ secretHash, previousSecrets }: Client, secret: string, now: Date): boolean {
  if (secretHash === null) return false
  const presented = Buffer.from(hashSecret(secret))
  if (timingSafeEqual(Buffer.from(secretHash), presented)) return true
  if (previousSecrets.length === 0) return false
  return listAccepted(previousSecrets, now).some((one) => timingSafeEqual(Buffer.from(one.hash), presented))
}

/**
 * Returns the id of a secret, by which a token names the secret that it was issued for. It does not tell the secret.
 */
export function toSecretId(secret: string): string {
  return idOfHash(hashSecret(secret))
}

function idOfHash(secretHash: string): string {
  return hash('sha256', `secret id ${secretHash}`, 'base64url').slice(0, 16)
}

/** Returns whether an id is that of a secret of the client which is accepted now. */
export function hasSecretId({ secretHash, previousSecrets }: Client, id: string, now: Date): boolean {
  if (secretHash === null) return false
  const hashes = [secretHash, ...listAccepted(previousSecrets, now).map((secret) => secret.hash)]
  return hashes.some((one) => idOfHash(one) === id)
}

/**
 * How exact the time of the last call of a client is, in milliseconds: a later call within this time is not written.
 */
const LAST_USE_MS = 5 * 60_000
/** The most clients of one commit. Other units wait for this one. */
const PAGE = 500

/** Notes that an authenticated client calls. `writeClientUses` writes it to the store. */
export function noteClientUse(dir: Directory, { pk, lastUsedAt }: Client): void {
  const now = dir.now().getTime()
  if (lastUsedAt === null || now - Date.parse(lastUsedAt) >= LAST_USE_MS) dir.clientUses.set(pk, now)
}

/**
 * Writes when clients called last. Calls that were noted in the meantime are left for the next time.
 * @throws {StoreError}
 */
export async function writeClientUses({ store, clientUses }: Directory): Promise<void> {
  const uses = [...clientUses]
  for (let i = 0; i < uses.length; i += PAGE) {
    const page = uses.slice(i, i + PAGE)
    const update = async (tx: Tx): Promise<void> => {
      for (const [pk, at] of page) await updateLastUse(tx, pk, new Date(at).toISOString())
    }
    await store.write(update, { canWait: true })
    for (const [pk, at] of page) if (clientUses.get(pk) === at) clientUses.delete(pk)
  }
}
