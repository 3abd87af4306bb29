import type { Context } from '../../model/context.ts'
import { takeLock } from '../../store/tables/locks.ts'
import {
  deleteExpiredSigningKeys,
  deleteSigningKeys,
  expireSigningKeys,
  insertSigningKey,
  type SealedSigningKey,
  selectSigningKeys,
} from '../../store/tables/signing-keys.ts'
import type { Directory } from '../directory.ts'
import { read, runRead, runUnit, write } from '../unit.ts'

/** A key pair of Usher's own token issuer, as JWK texts (RFC 7517). */
export interface SigningKey {
  readonly kid: string
  readonly publicJwk: string
  readonly privateJwk: string
}

/** A signing key that is published. Times are ISO 8601. */
export interface PublishedKey extends SigningKey {
  /** The time from which it signs, unless a newer key does. */
  readonly signsAt: string
}

/** A signing key as it is listed. */
export interface SigningKeyState {
  readonly kid: string
  /** `next` is published and does not sign yet; `retired` does not sign any more. */
  readonly state: 'next' | 'signing' | 'retired'
  readonly createdAt: string
  readonly signsAt: string
  /** When it is deleted; null if no newer key replaces it. */
  readonly expiresAt: string | null
}

/** How a new signing key replaces the old ones. */
export interface Replacement {
  /** How long the new key is published before it signs, in milliseconds. */
  readonly signsAfterMs: number
  /** How long the old keys are published after that, in milliseconds; null deletes them at once. */
  readonly keepMs: number | null
}

/** Units with this lock change the set of signing keys. Nodes of 0.1.0 take it under this name. */
const LOCK = 'first-signing-key'

/**
 * Returns the published signing keys, newest first. If there are none, inserts one that `make` returns. If several
 * processes start at the same time, only one of them inserts its key.
 * @throws {DirectoryError} `store_unavailable`
 * @throws {SealError} when the master keys do not open a key
 */
export async function getSigningKeys(
  dir: Directory,
  make: () => Promise<SigningKey>,
): Promise<PublishedKey[]> {
  const kept = await listKeys(dir)
  if (kept.length > 0) return kept
  const key = await make()
  const now = dir.now().toISOString()
  await write(dir, async (tx) => {
    await takeLock(tx, LOCK, now)
    const others = await selectSigningKeys(tx, now)
    if (others.length === 0) await insertSigningKey(tx, sealKey(dir, key, { createdAt: now, signsAt: now }))
  })
  return listKeys(dir)
}

async function listKeys(dir: Directory): Promise<PublishedKey[]> {
  const kept = await read(dir, (tx) => selectSigningKeys(tx, dir.now().toISOString()))
  return kept.map(({ kid, publicJwk, sealedPrivate, signsAt }) => ({
    kid,
    publicJwk,
    privateJwk: dir.sealer.open(sealedPrivate, signingKeyIdentity(kid, publicJwk)),
    signsAt,
  }))
}

/** Call it inside the unit: the master key may be rotated while the unit waits. */
function sealKey(
  dir: Directory,
  { kid, publicJwk, privateJwk }: SigningKey,
  times: { createdAt: string; signsAt: string },
): SealedSigningKey {
  const sealedPrivate = dir.sealer.seal(privateJwk, signingKeyIdentity(kid, publicJwk))
  return { kid, publicJwk, sealedPrivate, ...times, expiresAt: null }
}

/**
 * Replaces the signing keys with a new one.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function replaceSigningKeys(
  dir: Directory,
  ctx: Context,
  { key, signsAfterMs, keepMs }: Replacement & { readonly key: SigningKey },
): Promise<void> {
  return runUnit(dir, ctx, { operation: 'RotateSigningKey', target: key.kid }, async (unit) => {
    const { tx, now } = unit
    await takeLock(tx, LOCK, now)
    const after = (ms: number): string => new Date(Date.parse(now) + ms).toISOString()
    if (keepMs === null) await deleteSigningKeys(tx)
    else await expireSigningKeys(tx, after(signsAfterMs + keepMs))
    await insertSigningKey(tx, sealKey(dir, key, { createdAt: now, signsAt: after(signsAfterMs) }))
    await unit.audit({ outcome: keepMs === null ? 'replaced' : 'begun' })
  })
}

/**
 * Lists the signing keys that are published, newest first.
 * @throws {DirectoryError} `not_permitted`, `store_unavailable`
 */
export function listSigningKeys(dir: Directory, ctx: Context): Promise<SigningKeyState[]> {
  const now = dir.now().toISOString()
  return runRead(dir, ctx, 'ListSigningKeys', async ({ tx }) => {
    const keys = await selectSigningKeys(tx, now)
    const signer = chooseSigner(keys, now)
    return keys.map(({ kid, createdAt, signsAt, expiresAt }) => {
      const state = kid === signer?.kid ? 'signing' : signsAt > now ? 'next' : 'retired'
      return { kid, state, createdAt, signsAt, expiresAt }
    })
  })
}

/**
 * Returns the key that signs: the newest whose time has come. If no time has come, because the clock was set back,
 * the oldest.
 * @param keys newest first
 */
export function chooseSigner<Key extends { readonly signsAt: string }>(
  keys: readonly Key[],
  now: string,
): Key | undefined {
  return keys.find((key) => key.signsAt <= now) ?? keys.at(-1)
}

/**
 * Deletes the signing keys whose tokens have all expired.
 * @throws {DirectoryError} `store_unavailable`
 */
export async function deleteOldSigningKeys(dir: Directory): Promise<void> {
  await write(dir, (tx) => deleteExpiredSigningKeys(tx, dir.now().toISOString()))
}

/**
 * Returns the identity that the private half of a signing key is bound to. It contains the public half, so that a public
 * half of another key is refused.
 */
export function signingKeyIdentity(kid: string, publicJwk: string): string {
  return `signing-key:${kid}:${publicJwk}`
}
