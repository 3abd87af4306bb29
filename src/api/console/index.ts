import type { FastifyError, FastifyInstance, RouteOptions } from 'fastify'
import type { OpenIdProvider } from '../../auth/oidc.ts'
import type { SessionCheck } from '../../auth/sessions.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Logger } from '../../logger.ts'
import type { Explainer } from '../../provisioning/explain.ts'
import type { PlatformView } from '../../provisioning/platform-view.ts'
import type { Reconciler } from '../../provisioning/reconciler.ts'
import type { BodyRooms } from '../bodies.ts'
import { logFailure, serveDialect, setHeaders, UnknownPathError } from '../dialect.ts'
import type { Limits } from '../limits.ts'
import { accountRoutes } from './accounts.ts'
import { newAdmission } from './admission.ts'
import { auditRoutes } from './audit.ts'
import { type ConsoleBuild, newBuildFinder } from './build.ts'
import { sendError } from './errors.ts'
import { findRoutes } from './find.ts'
import { assertHost, assertSameOrigin, assertSecure } from './guard.ts'
import { setSecurityHeaders } from './headers.ts'
import { historyRoutes } from './history.ts'
import { document } from './openapi.ts'
import { organizationRoutes } from './organizations.ts'
import { servePages } from './page.ts'
import { peopleRoutes } from './people.ts'
import { type Place, readPlace } from './place.ts'
import { platformRoutes } from './platform.ts'
import { serveSignIn } from './sign-in.ts'
import { userRoutes } from './users.ts'
import { youRoutes } from './you.ts'

/** What the console needs. */
export interface ConsoleApi {
  readonly dir: Directory
  readonly reconciler: Reconciler
  readonly platform: PlatformView
  readonly explainer: Explainer
  readonly checkSession: SessionCheck
  /** Null if people enter by links alone. */
  readonly openId: OpenIdProvider | null
  /** The version of Usher. */
  readonly version: string
  /** Returns the URL of the service, without a slash at the end. */
  readonly publicUrl: () => string
  readonly log: Logger
  readonly rooms: BodyRooms
  readonly limits: Limits
  /** Returns the built pages (default: those of `console/dist`). */
  readonly findBuild?: () => ConsoleBuild | undefined
}

/** What the handlers get. */
export interface ConsoleParts extends ConsoleApi {
  readonly getPlace: () => Place
}

const PREFIX = '/console/api'
const DOCUMENT = '/openapi/console.json'

/** Every operation of the console's API. A resource adds its routes here. */
const ROUTES = [
  ...[...youRoutes, ...peopleRoutes, ...findRoutes, ...userRoutes],
  ...[...accountRoutes, ...historyRoutes, ...platformRoutes, ...organizationRoutes, ...auditRoutes],
]

/** Serves the console: its pages at `/console`, and the API of these pages at `/console/api`. */
export async function consoleApi(app: FastifyInstance, api: ConsoleApi): Promise<void> {
  const { dir, log, rooms, limits, publicUrl, checkSession, findBuild = newBuildFinder() } = api
  let place: Place | undefined
  const getPlace = (): Place => {
    const url = publicUrl()
    if (place?.url !== url) place = readPlace(url)
    return place
  }
  const parts: ConsoleParts = { ...api, getPlace }
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      if (request.routeOptions.url === DOCUMENT) return
      setHeaders(request, reply)
      setSecurityHeaders(reply)
      const build = findBuild()
      // A page of another build offers to load itself again.
      if (build) reply.header('X-Usher-Build', build.id)
      const place = getPlace()
      assertHost(place, request)
      assertSecure(place)
      assertSameOrigin(place, request)
    })
    // For paths that the dialect serves outside its own prefix.
    scope.setErrorHandler(async (error: FastifyError, request, reply) => {
      if (sendError(error, request, reply)) logFailure(log, request, error)
      return reply
    })
    await serveDialect(scope, {
      ...{ dir, log, rooms, limits, document, publicUrl, sendError },
      documentPath: DOCUMENT,
      prefix: PREFIX,
      routes: [...ROUTES.map((declared) => declared(parts)), unknownPath],
      admit: newAdmission(checkSession, limits, getPlace),
    })
  })
  if (!findBuild()) log.warn('the console has not been built; run npm run console:build')
  const { openId } = api
  if (openId) serveSignIn(app, { dir, openId, checkSession, getPlace, limits, log })
  servePages(app, getPlace, findBuild)
}

/** Refuses unknown paths of the API, which would get a page. */
const unknownPath: RouteOptions = {
  method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  url: '/*',
  schema: { hide: true },
  handler(request) {
    throw new UnknownPathError(request)
  },
}
