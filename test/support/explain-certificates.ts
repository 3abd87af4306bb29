import { KeySet } from '../../src/auth/key-set.ts'
import { CephRgwPlatform } from '../../src/platform/ceph-rgw/ceph-rgw.ts'
import { openStore } from '../../src/store/open.ts'

/**
 * Connects to an HTTPS server as to a gateway and as to an issuer's key set, and to a database; all must fail.
 * @returns the reason of each failure
 */
export async function explainCertificates(url: string, database: string): Promise<string[]> {
  const platform = new CephRgwPlatform({ url, accessKey: 'ADMIN', secretKey: 'hunter2', s3Url: url })
  const reasons = [(await platform.status()).reason ?? 'no reason']
  const warn = (fields: object): void => void reasons.push((fields as { reason: string }).reason)
  const keys = new KeySet('https://issuer', url, { info: () => undefined, warn })
  await keys.renew().catch(() => undefined)
  const failure = await openStore(database).catch((error: Error) => error)
  return [...reasons, failure instanceof Error ? failure.message : 'the database was opened']
}
