import type { JWTPayload } from 'jose'
import { findExternalClient } from '../directory/clients.ts'
import type { Directory } from '../directory/directory.ts'
import { AuthError } from './auth-error.ts'
import { TOKEN_TYPE } from './issuer.ts'
import { KeySet, type KeySetLog } from './key-set.ts'
import { type Conditions, newMachineCheck } from './machine.ts'
import type { Trusted } from './verify.ts'

/** An issuer whose tokens are accepted in addition to our own. */
export interface ExternalIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  /** Null if the issuer's access tokens have no `aud`. */
  readonly audience: string | null
  readonly algorithms: readonly string[]
  /** The claim that names the client; without it the first of `azp`, `appid` and `client_id`. */
  readonly clientClaim?: string
  /** What a token must have, by claim, to stand for the client itself; without it `sub` or `idtyp` decides. */
  readonly machine?: Conditions
}

/**
 * Returns the rules for the tokens of an external issuer. A token is accepted only if it proves that it stands for the
 * client itself: issuers send the tokens of people with the same signature, audience and client id.
 */
export function trustExternal(
  external: ExternalIssuer,
  { dir, log }: { readonly dir: Directory; readonly log: KeySetLog },
): Trusted {
  const { issuer, audience, algorithms } = external
  const keys = new KeySet(issuer, external.jwksUrl, log)
  const isMachine = newMachineCheck(external.machine)
  return {
    issuer: () => issuer,
    audience: () => audience,
    algorithms,
    // Entra ID and others still send plain JWTs as access tokens.
    types: [TOKEN_TYPE, 'application/at+jwt', 'JWT', undefined],
    getKey: keys.getKey,
    renewKeys: () => keys.renew(),
    checkClaims(claims) {
      if (isIdToken(claims)) throw new AuthError('The token is not an access token')
      const client = readClientId(external, claims)
      if (client === undefined) throw new AuthError('The token does not name its client')
      if (!isMachine(claims, client)) {
        throw new AuthError('The token does not prove that it stands for a program and not for a person')
      }
    },
    changes: dir.changes,
    async findClient(claims) {
      const id = readClientId(external, claims)
      return id === undefined ? undefined : findExternalClient(dir, issuer, id)
    },
  }
}

function readClientId({ clientClaim }: ExternalIssuer, claims: JWTPayload): string | undefined {
  const id =
    clientClaim === undefined ? (claims.azp ?? claims.appid ?? claims.client_id) : claims[clientClaim]
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** The `typ` claim of Keycloak's other tokens. */
const OTHER_TYPES = /^(id|refresh|offline|logout)$/i

/**
 * Returns whether claims are those of an ID token or of another token that is not for APIs: `typ` is Keycloak's
 * claim, `token_use` Cognito's; OpenID Connect Core (section 2, 3.1.3.6 and 3.3.2.11) has the others in ID tokens only.
 */
function isIdToken({ typ, token_use, nonce, at_hash, c_hash }: JWTPayload): boolean {
  if (typeof typ === 'string' && OTHER_TYPES.test(typ)) return true
  if (token_use !== undefined && token_use !== 'access') return true
  return nonce !== undefined || at_hash !== undefined || c_hash !== undefined
}
