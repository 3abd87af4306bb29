import type * as OpenIdClient from 'openid-client'
import type { Directory } from '../directory/directory.ts'
import { SealError } from '../directory/sealing/sealer.ts'
import { SIGN_IN_SECONDS, type VerifiedIdentity } from '../model/sessions.ts'
import { SignInError } from './sign-in-error.ts'

/** What sign-in at an OpenID provider needs of the settings. */
export interface OpenIdSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** What the button says. */
  readonly name: string
}

/** What is remembered of a sign-in while the person is at the OpenID provider. */
export interface SignInState {
  /** Where the person goes after it: a path of the console. */
  readonly to: string
  /** The session that the identity is bound to; null for a plain sign-in. */
  readonly sessionId: string | null
}

/** The OpenID provider at which people sign in to the console (code flow with PKCE, as a confidential client). */
export interface OpenIdProvider {
  readonly name: string
  /**
   * Begins a sign-in.
   * @param redirectUri where the provider sends the person back to
   * @returns the URL that the browser goes to, and the sealed state for its cookie, which any node can open
   * @throws {SignInError} `unavailable`
   */
  begin(redirectUri: string, state: SignInState): Promise<{ readonly url: string; readonly sealed: string }>
  /**
   * Ends a sign-in.
   * @param callback the URL that the browser was sent to, on the public URL of the service
   * @param sealed what `begin` returned
   * @throws {SignInError}
   */
  finish(
    callback: URL,
    sealed: string | undefined,
  ): Promise<SignInState & { readonly identity: VerifiedIdentity }>
  /** Returns where a person signs out of the provider; null if that is not known. */
  findSignOutUrl(returnTo: string): string | null
}

/** How long the metadata of the provider are used, in milliseconds. */
const DISCOVERY_MS = 60 * 60 * 1000
/** How long one request to the provider may take, in seconds. */
const TIMEOUT_SECONDS = 10

/** What the cookie of a sign-in holds, sealed. */
interface Sealed extends SignInState {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly expiresAt: number
}

/** What a sealed state is bound to: no other text under the master key opens in its place. */
const IDENTITY = 'console-sign-in'

/** Makes the OpenID provider of the settings. It is asked for its metadata at the first sign-in, not at the start. */
export function newOpenIdProvider(settings: OpenIdSettings, dir: Directory): OpenIdProvider {
  const discover = newDiscovery(settings)
  return {
    name: settings.name,
    async begin(redirectUri, { to, sessionId }) {
      const { client, config } = await discover()
      const [state, nonce, verifier] = [
        client.randomState(),
        client.randomNonce(),
        client.randomPKCECodeVerifier(),
      ]
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      })
      const expiresAt = dir.now().getTime() + SIGN_IN_SECONDS * 1000
      const kept: Sealed = { to, sessionId, state, nonce, verifier, expiresAt }
      return { url: url.href, sealed: dir.sealer.seal(JSON.stringify(kept), IDENTITY) }
    },
    async finish(callback, text) {
      const { to, sessionId, ...kept } = openState(dir, text)
      const { client, config } = await discover()
      const identity = await redeem({ client, config }, callback, kept).catch((error) => {
        throw toSignInError(error)
      })
      return { to, sessionId, identity }
    },
    findSignOutUrl(returnTo) {
      const known = discover.found()
      if (!known?.config.serverMetadata().end_session_endpoint) return null
      return known.client.buildEndSessionUrl(known.config, { post_logout_redirect_uri: returnTo }).href
    },
  }
}

interface Discovered {
  readonly client: typeof OpenIdClient
  readonly config: OpenIdClient.Configuration
}

/** A function that reads the metadata of the provider, or returns those that it has read within DISCOVERY_MS. */
interface Discovery {
  (): Promise<Discovered>
  /** Returns what was read last; undefined before that. */
  found(): Discovered | undefined
}

function newDiscovery(settings: OpenIdSettings): Discovery {
  let found: (Discovered & { readonly at: number }) | undefined
  let running: Promise<Discovered> | undefined
  const discover = async (): Promise<Discovered> => {
    if (found && performance.now() - found.at < DISCOVERY_MS) return found
    running ??= readMetadata(settings).finally(() => {
      running = undefined
    })
    try {
      const read = await running
      found = { ...read, at: performance.now() }
      return found
    } catch (error) {
      // Metadata that were good an hour ago are better than none.
      if (found) return found
      throw new SignInError('unavailable', `the metadata of ${settings.issuer} cannot be read`, error)
    }
  }
  return Object.assign(discover, { found: () => found })
}

async function readMetadata({ issuer, clientId, clientSecret }: OpenIdSettings): Promise<Discovered> {
  const client = await import('openid-client')
  const url = new URL(issuer)
  const local = url.protocol === 'http:' ? [client.allowInsecureRequests] : []
  const options = { timeout: TIMEOUT_SECONDS, execute: [...local, client.enableNonRepudiationChecks] }
  const authentication: OpenIdClient.ClientAuth = (server, ...args) => {
    // Providers differ in what they take. Without a list, it is Basic (OpenID Connect Discovery 1.0, section 3).
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const first = methods.find((one) => one === 'client_secret_basic' || one === 'client_secret_post')
    const isPost = first === 'client_secret_post'
    const authenticate = isPost
      ? client.ClientSecretPost(clientSecret)
      : client.ClientSecretBasic(clientSecret)
    return authenticate(server, ...args)
  }
  return { client, config: await client.discovery(url, clientId, undefined, authentication, options) }
}

/** @throws {SignInError} `expired` */
function openState({ sealer, now }: Directory, text: string | undefined): Sealed {
  const expired = (why: string): SignInError => new SignInError('expired', `the cookie of the sign-in ${why}`)
  if (text === undefined) throw expired('is missing')
  try {
    const kept = JSON.parse(sealer.open(text, IDENTITY)) as Sealed
    if (kept.expiresAt <= now().getTime()) throw expired('is too old')
    return kept
  } catch (error) {
    if (error instanceof SealError) throw expired('was not made here')
    throw error
  }
}

/** Exchanges the code for what the provider says about the person. The tokens are dropped. */
async function redeem(
  { client, config }: Discovered,
  callback: URL,
  { state, nonce, verifier }: Pick<Sealed, 'state' | 'nonce' | 'verifier'>,
): Promise<VerifiedIdentity> {
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  }
  const tokens = await client.authorizationCodeGrant(config, callback, checks)
  const claims = tokens.claims()
  if (!claims) throw new SignInError('failed', 'the response has no ID token')
  const { iss: issuer, sub: subject } = claims
  const own = readEmail(claims)
  const isElsewhere = own.email === null && config.serverMetadata().userinfo_endpoint !== undefined
  if (!isElsewhere) return { issuer, subject, ...own }
  return { issuer, subject, ...readEmail(await client.fetchUserInfo(config, tokens.access_token, subject)) }
}

/** Reads the e-mail of a person. Entra ID says in `xms_edov` whether the owner of the domain was verified. */
function readEmail(
  claims: Readonly<Record<string, unknown>>,
): Pick<VerifiedIdentity, 'email' | 'emailVerified'> {
  const { email, email_verified: verified, xms_edov: ofOwner } = claims
  const isTrue = (value: unknown): boolean =>
    value === true || value === 'true' || value === 1 || value === '1'
  return {
    email: typeof email === 'string' && email !== '' ? email : null,
    emailVerified: verified === undefined ? isTrue(ofOwner) : isTrue(verified),
  }
}

/** Errors of the provider are its refusals; those of the network have another name or code. */
function toSignInError(error: unknown): SignInError {
  if (error instanceof SignInError) return error
  const { name, error: code, code: kind, message, cause } = error as Error & { error?: string; code?: string }
  if (name === 'AuthorizationResponseError') {
    const problem = code === 'access_denied' || code === 'login_required' ? 'cancelled' : 'failed'
    return new SignInError(problem, `the provider responded with ${code}`, error)
  }
  const isDown = ((cause as Partial<Response> | undefined)?.status ?? 0) >= 500
  const isAway = isDown || kind === 'OAUTH_TIMEOUT' || message === 'fetch failed'
  return new SignInError(isAway ? 'unavailable' : 'failed', message, error)
}
