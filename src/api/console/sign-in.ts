import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AuthError } from '../../auth/auth-error.ts'
import type { OpenIdProvider, SignInState } from '../../auth/oidc.ts'
import type { SessionCheck } from '../../auth/sessions.ts'
import { SignInError } from '../../auth/sign-in-error.ts'
import type { Directory } from '../../directory/directory.ts'
import { bindIdentity, enterByIdentity, type SignedIn } from '../../directory/sign-in.ts'
import type { Logger } from '../../logger.ts'
import { DirectoryError } from '../../model/error.ts'
import { foldAddress } from '../../model/text.ts'
import { setHeaders } from '../dialect.ts'
import { type Limits, TooManyRequestsError } from '../limits.ts'
import type { SignInProblem } from './contract/sign-in.ts'
import { clearSignIn, readCookie, setSession, setSignIn } from './cookies.ts'
import { assertHost, assertSecure, RefusedRequestError } from './guard.ts'
import { setSecurityHeaders } from './headers.ts'
import { type Place, toConsolePath, toSignInRequest } from './place.ts'

/** What signing in at an OpenID provider needs. */
interface SignInParts {
  readonly dir: Directory
  readonly openId: OpenIdProvider
  readonly checkSession: SessionCheck
  readonly getPlace: () => Place
  readonly limits: Limits
  readonly log: Logger
}

const CALLBACK = '/console/sign-in/callback'

/**
 * Serves the two steps of signing in that the browser goes to as pages: to the OpenID provider, and back. Whatever goes
 * wrong leads to the page of signing in, which says what to do.
 */
export function serveSignIn(app: FastifyInstance, parts: SignInParts): void {
  const steps = { '/console/sign-in/start': start, [CALLBACK]: callback }
  for (const [url, step] of Object.entries(steps)) {
    app.route({
      method: 'GET',
      url,
      exposeHeadRoute: false,
      config: { operation: 'SignIn' },
      schema: { hide: true },
      async handler(request, reply) {
        setHeaders(request, reply)
        setSecurityHeaders(reply)
        const place = parts.getPlace()
        try {
          assertHost(place, request)
          assertSecure(place)
          parts.limits.failures.assertMayTry(request)
          const to = await step(parts, place, { request, reply })
          return reply.redirect(to, 303)
        } catch (error) {
          return refuse(parts, place, { request, reply, error: error as Error })
        }
      },
    })
  }
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Sends the browser to the OpenID provider. With `connect`, the person who signs in there becomes the signed-in one. */
async function start(parts: SignInParts, place: Place, { request, reply }: Exchange): Promise<string> {
  const { to, connect } = request.query as Readonly<Record<string, unknown>>
  const site = request.headers['sec-fetch-site']
  // A link from elsewhere must not begin a sign-in: the person did not ask for it.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return `${place.base}/console`
  const state: SignInState = {
    to: toConsolePath(to),
    sessionId: connect === undefined ? null : await findSessionId(parts, place, request),
  }
  const { url, sealed } = await parts.openId.begin(`${place.url}${CALLBACK}`, state)
  reply.header('set-cookie', setSignIn(place, sealed))
  return url
}

/** @throws {AuthError} unless the person is signed in, on a page of the console */
async function findSessionId(parts: SignInParts, place: Place, request: FastifyRequest): Promise<string> {
  const isOwn = request.headers['sec-fetch-site'] === 'same-origin'
  const token = isOwn ? readCookie(place, 'session', request.headers.cookie) : undefined
  return (await parts.checkSession(token)).session.id
}

/** Signs in the person who comes back from the OpenID provider. */
async function callback(parts: SignInParts, place: Place, { request, reply }: Exchange): Promise<string> {
  const { dir, openId } = parts
  const { cookie } = request.headers
  // The host of the request is not asked: the provider compares this with where it sent the person.
  const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
  const url = new URL(`${place.url}${CALLBACK}${query}`)
  const { identity, to, sessionId } = await openId.finish(url, readCookie(place, 'sign-in', cookie))
  const signIn = toSignInRequest(request, readCookie(place, 'session', cookie))
  const signedIn: SignedIn =
    sessionId === null
      ? await enterByIdentity(dir, identity, signIn)
      : await bindIdentity(dir, identity, { ...signIn, sessionId })
  reply.header('set-cookie', [setSession(place, signedIn.token), clearSignIn(place)])
  return `${place.base}${to}`
}

/** Leads to the page of signing in. Only our own codes are in its address, and nothing of the provider. */
function refuse(
  { limits, log }: SignInParts,
  place: Place,
  { request, reply, error }: Exchange & { readonly error: Error },
): FastifyReply {
  if (error instanceof RefusedRequestError)
    return reply.code(error.code === 'wrong_host' ? 421 : 403).send(error.message)
  if (error instanceof TooManyRequestsError) return reply.code(429).headers(error.headers).send(error.message)
  const problem = toProblem(error)
  const { correlationId } = request
  const fields = { correlationId, address: foldAddress(request.ip), problem }
  // The audit log has the refusals of the directory.
  if (problem === 'busy') log.error({ ...fields, err: error }, 'a sign-in failed')
  else if (!(error instanceof DirectoryError)) log.warn({ ...fields, err: error }, 'a sign-in failed')
  if (problem !== 'busy' && problem !== 'unavailable') limits.failures.count(request)
  const query = new URLSearchParams({ problem, request: correlationId })
  reply.header('set-cookie', clearSignIn(place))
  return reply.redirect(`${place.base}/console/sign-in?${query}`, 303)
}

const REFUSALS: ReadonlySet<string> = new Set<SignInProblem>([
  'person_not_found',
  'person_not_permitted',
  'email_not_verified',
])

function toProblem(error: Error): SignInProblem {
  if (error instanceof SignInError) return error.problem
  if (error instanceof DirectoryError && REFUSALS.has(error.code)) return error.code as SignInProblem
  const hasEnded = error instanceof DirectoryError && error.code === 'session_not_found'
  return hasEnded || error instanceof AuthError ? 'expired' : 'busy'
}
