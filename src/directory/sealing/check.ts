import { selectCredentialsAfter } from '../../store/accounts/credentials.ts'
import { selectSigningKeys } from '../../store/tables/signing-keys.ts'
import type { Directory } from '../directory.ts'
import { read } from '../unit.ts'
import { credentialIdentity, SealError } from './sealer.ts'
import { signingKeyIdentity } from './signing-keys.ts'

const PAGE = 1_000

/**
 * Opens every secret of the directory.
 * @returns the number of secrets, and the identities of those that the master keys do not open
 * @throws {DirectoryError} `store_unavailable`
 */
export function checkSecrets(dir: Directory): Promise<{ checked: number; unopened: string[] }> {
  return read(dir, async (tx) => {
    const unopened: string[] = []
    let checked = 0
    const check = (sealed: string, identity: string): void => {
      checked++
      if (!opens(dir, sealed, identity)) unopened.push(identity)
    }
    for (const key of await selectSigningKeys(tx)) check(key.sealedPrivate, signingKeyIdentity(key.kid))
    let after = 0
    for (;;) {
      const page = await selectCredentialsAfter(tx, after, PAGE)
      for (const one of page) check(one.sealedSecret, credentialIdentity(one.accessKey))
      if (page.length < PAGE) return { checked, unopened }
      after = page.at(-1)?.pk ?? after
    }
  })
}

function opens({ sealer }: Directory, sealed: string, identity: string): boolean {
  try {
    sealer.open(sealed, identity)
    return true
  } catch (error) {
    if (error instanceof SealError) return false
    throw error
  }
}
