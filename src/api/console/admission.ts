import type { SessionCheck } from '../../auth/sessions.ts'
import { assertPermitted } from '../../directory/access.ts'
import { personContext } from '../../directory/context.ts'
import type { Admission } from '../dialect.ts'
import type { Limits } from '../limits.ts'
import { readCookie } from './cookies.ts'
import type { Place } from './place.ts'

/** Creates the admission to the console's API: it checks the session, and the permission for the operation. */
export function newAdmission(check: SessionCheck, { clients }: Limits, getPlace: () => Place): Admission {
  return async (request) => {
    const { headers, correlationId, ip, routeOptions } = request
    const { session, person } = await check(readCookie(getPlace(), 'session', headers.cookie))
    const ctx = personContext(person, { correlationId, address: ip, session: session.id })
    request.caller = ctx
    if (!clients.add(`person ${person.user.id}`)) throw clients.refuse()
    const { operation } = routeOptions.config
    if (operation) assertPermitted(ctx, operation)
    return ctx
  }
}
