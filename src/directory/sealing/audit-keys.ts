import type { AuditKey, AuditKeySealer } from '../../store/port.ts'
import type { Sealer } from '../directory.ts'

/**
 * Makes the sealer of the audit key, which encrypts it with the master key.
 * @param getSealer returns the sealer of the master keys, which may be loaded only when it is needed
 */
export function newAuditKeySealer(getSealer: () => Sealer): AuditKeySealer {
  return {
    seal: ({ id, secret, from, previousHash }) => {
      const content = { secret: secret.toString('base64url'), from, previousHash }
      return getSealer().seal(JSON.stringify(content), auditKeyIdentity(id))
    },
    open: (id, sealed) => toKey(id, getSealer().open(sealed, auditKeyIdentity(id))),
  }
}

function toKey(id: string, content: string): AuditKey {
  const { secret, from, previousHash } = JSON.parse(content) as Record<'secret' | 'previousHash', string> & {
    from: number
  }
  return { id, secret: Buffer.from(secret, 'base64url'), from, previousHash }
}

/** Returns the identity that the audit key is bound to. It has no owner, so the last part is empty. */
function auditKeyIdentity(id: string): string {
  return `audit-key:${id}:`
}
