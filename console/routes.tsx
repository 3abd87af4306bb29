import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { BASE } from './api/call.ts'
import { ProblemError } from './api/problems.ts'
import { readMe } from './api/queries.ts'
import { readAuditSearch } from './pages/audit/search.ts'
import { readOrganizationsSearch } from './pages/organizations/search.ts'
import { readNewUserSearch, readUserSearch, readUsersSearch } from './pages/users/search.ts'
import { LostPage, NotFound } from './shell/not-found.tsx'
import { ConsoleFailure, PageFailure } from './shell/page-failure.tsx'
import { Shell } from './shell/shell.tsx'

interface RouterContext {
  readonly queries: QueryClient
}

const root = createRootRouteWithContext<RouterContext>()({ component: Outlet, notFoundComponent: LostPage })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: ({ to, problem, request }: Record<string, unknown>) => ({
    ...(typeof to === 'string' && { to }),
    ...(typeof problem === 'string' && { problem }),
    ...(typeof request === 'string' && { request }),
  }),
  component: lazyRouteComponent(() => import('./pages/sign-in/sign-in.tsx'), 'SignIn'),
})

const signInAgain = createRoute({
  getParentRoute: () => root,
  path: '/sign-in-again',
  component: lazyRouteComponent(() => import('./pages/sign-in/sign-in-again.tsx'), 'SignInAgain'),
})

const enter = createRoute({
  getParentRoute: () => root,
  path: '/enter',
  component: lazyRouteComponent(() => import('./pages/sign-in/enter.tsx'), 'Enter'),
})

/**
 * Reads an address by a function of its page, and drops all else: the router would hand wrong values on as they are.
 */
function only<T extends object>(readSearch: (search: Record<string, unknown>) => T) {
  return (search: Record<string, unknown>): T => ({
    ...Object.fromEntries(Object.keys(search).map((name) => [name, undefined])),
    ...readSearch(search),
  })
}

/** Every page below it needs a session. */
const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  component: Shell,
  errorComponent: ConsoleFailure,
  async beforeLoad({ context, location }) {
    try {
      await context.queries.ensureQueryData(readMe)
    } catch (error) {
      const isSignedOut = error instanceof ProblemError && error.status === 401
      if (isSignedOut)
        throw redirect({ to: '/sign-in', search: { to: `/console${location.href}` }, replace: true })
      throw error
    }
  },
})

const home = createRoute({
  getParentRoute: () => app,
  path: '/',
  beforeLoad() {
    throw redirect({ to: '/users', replace: true })
  },
})

const users = createRoute({
  getParentRoute: () => app,
  path: '/users',
  validateSearch: only(readUsersSearch),
  component: lazyRouteComponent(() => import('./pages/users/users.tsx'), 'Users'),
})

const newUser = createRoute({
  getParentRoute: () => app,
  path: '/users/new',
  validateSearch: only(readNewUserSearch),
  component: lazyRouteComponent(() => import('./pages/users/new-user.tsx'), 'NewUser'),
})

const user = createRoute({
  getParentRoute: () => app,
  path: '/users/$id',
  validateSearch: only(readUserSearch),
  component: lazyRouteComponent(() => import('./pages/users/user.tsx'), 'User'),
})

const editUser = createRoute({
  getParentRoute: () => app,
  path: '/users/$id/edit',
  component: lazyRouteComponent(() => import('./pages/users/edit-user.tsx'), 'EditUser'),
})

const receipt = createRoute({
  getParentRoute: () => app,
  path: '/users/$id/receipt',
  component: lazyRouteComponent(() => import('./pages/users/receipt.tsx'), 'Receipt'),
})

const find = createRoute({
  getParentRoute: () => app,
  path: '/find',
  validateSearch: ({ q }: Record<string, unknown>) => (q === undefined ? {} : { q: String(q) }),
  component: lazyRouteComponent(() => import('./pages/find/find.tsx'), 'FindPage'),
})

const organizations = createRoute({
  getParentRoute: () => app,
  path: '/organizations',
  validateSearch: only(readOrganizationsSearch),
  component: lazyRouteComponent(() => import('./pages/organizations/organizations.tsx'), 'Organizations'),
})

const organization = createRoute({
  getParentRoute: () => app,
  path: '/organizations/$id',
  component: lazyRouteComponent(() => import('./pages/organizations/organization.tsx'), 'OrganizationPage'),
})
const organizationUsers = createRoute({
  getParentRoute: () => organization,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/organizations/parts.tsx'), 'OrganizationUsers'),
})
const organizationTenant = createRoute({
  getParentRoute: () => organization,
  path: '/tenant',
  component: lazyRouteComponent(() => import('./pages/organizations/parts.tsx'), 'OrganizationTenant'),
})
const organizationRelations = createRoute({
  getParentRoute: () => organization,
  path: '/relations',
  component: lazyRouteComponent(() => import('./pages/organizations/parts.tsx'), 'OrganizationRelations'),
})
const organizationAccess = createRoute({
  getParentRoute: () => organization,
  path: '/access',
  component: lazyRouteComponent(() => import('./pages/organizations/access.tsx'), 'OrganizationAccess'),
})
const organizationAudit = createRoute({
  getParentRoute: () => organization,
  path: '/audit',
  component: lazyRouteComponent(() => import('./pages/organizations/parts.tsx'), 'OrganizationAudit'),
})

const audit = createRoute({
  getParentRoute: () => app,
  path: '/audit',
  validateSearch: only(readAuditSearch),
  component: lazyRouteComponent(() => import('./pages/audit/audit.tsx'), 'Audit'),
})
const request = createRoute({
  getParentRoute: () => app,
  path: '/audit/$correlationId',
  component: lazyRouteComponent(() => import('./pages/audit/request.tsx'), 'RequestPage'),
})

const you = createRoute({
  getParentRoute: () => app,
  path: '/you',
  component: lazyRouteComponent(() => import('./pages/you/you.tsx'), 'You'),
})

/** Any other address, with the frame around it. */
const nothing = createRoute({ getParentRoute: () => app, path: '$', component: NotFound })

const routes = root.addChildren([
  ...[signIn, signInAgain, enter],
  app.addChildren([
    ...[home, find, users, newUser, user, editUser, receipt, organizations, audit, request, you, nothing],
    organization.addChildren([
      ...[
        organizationUsers,
        organizationTenant,
        organizationRelations,
        organizationAccess,
        organizationAudit,
      ],
    ]),
  ]),
])

/** Creates the router. Every page is loaded when it is first wanted, or when the pointer comes near its link. */
export function newRouter(queries: QueryClient) {
  return createRouter({
    routeTree: routes,
    basepath: `${BASE}/console`,
    context: { queries },
    defaultPreload: 'intent',
    defaultPreloadDelay: 30,
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultErrorComponent: PageFailure,
    defaultNotFoundComponent: NotFound,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof newRouter>
  }
}
