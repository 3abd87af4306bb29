import { createCipheriv, hash, randomBytes } from 'node:crypto'
import type { Directory } from '../../src/directory/directory.ts'

/**
 * Seals a secret as Usher 0.1 did: with AES-256-GCM, bound to the name of its row alone. Never change it: stores with
 * such secrets exist.
 */
export function sealAsIn01(key: Buffer, secret: string, name: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name))
  const body = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `1.${hash('sha256', key, 'base64url').slice(0, 8)}.${body.toString('base64url')}`
}

/** A credential as its row holds it. */
interface SealedCredentialRow {
  readonly pk: number
  readonly account_pk: number
  readonly access_key: string
  readonly sealed_secret: string
}

/** Returns the rows of all credentials, oldest first. */
export function readCredentialRows({ store }: Directory): Promise<SealedCredentialRow[]> {
  return store.read((tx) =>
    tx.query((db) =>
      db.selectFrom('credentials').select(['pk', 'account_pk', 'access_key', 'sealed_secret']).orderBy('pk'),
    ),
  )
}

/** Changes the row of a credential past Usher's rules. */
export async function writeCredentialRow(
  { store }: Directory,
  pk: number,
  change: Partial<Omit<SealedCredentialRow, 'pk'>>,
): Promise<void> {
  await store.write((tx) => tx.query((db) => db.updateTable('credentials').set(change).where('pk', '=', pk)))
}
