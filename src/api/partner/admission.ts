import { isUtf8 } from 'node:buffer'
import type { BearerCheck } from '../../auth/bearer.ts'
import { assertPermitted } from '../../directory/access.ts'
import { clientContext, enterPortal } from '../../directory/context.ts'
import type { Directory } from '../../directory/directory.ts'
import { MAX_TEXT } from '../../model/text.ts'
import type { Admission } from '../dialect.ts'

/**
 * Creates the admission to the partner portal's API. It checks the bearer token, the permission for the operation, and
 * the portal in `X-Tenant`. If this header is missing, the schema reports it together with all other faults.
 */
export function newAdmission(dir: Directory, bearer: BearerCheck): Admission {
  return async (request) => {
    const { headers, correlationId, ip, routeOptions } = request
    const client = await bearer(headers.authorization)
    const domain = headers['x-tenant']
    const portal = typeof domain === 'string' && domain !== '' ? decode(domain).slice(0, MAX_TEXT) : null
    const caller = { ...clientContext(client, correlationId, ip), portal }
    request.caller = caller
    const { operation, queryNames } = routeOptions.config
    // Before a refusal, whose entry names what the query does.
    if (queryNames?.size) request.query = spellNames(request.query as Query, queryNames)
    if (operation) assertPermitted(caller, operation)
    if (portal === null) return caller
    const entered = await enterPortal(dir, caller, portal)
    // In the portal of a reseller, a provider may run less. It is refused as that reseller, so that the entry of the
    // refusal stands in no other reseller's log.
    request.caller = entered
    if (operation) assertPermitted(entered, operation)
    return entered
  }
}

/** Decodes UTF-8, in which some clients send a name in other scripts. Node reads header values as Latin-1. */
function decode(header: string): string {
  if (!/[\x80-\xff]/.test(header)) return header
  const bytes = Buffer.from(header, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : header
}

type Query = Readonly<Record<string, unknown>>

/** Query names match in any case. A repeated parameter becomes a list, which the schema refuses. */
function spellNames(query: Query, names: ReadonlyMap<string, string>): Query {
  const spelled: Record<string, unknown> = {}
  for (const [written, value] of Object.entries(query)) {
    const name = names.get(written.toLowerCase()) ?? written
    spelled[name] = name in spelled ? [spelled[name], value].flat() : value
  }
  return spelled
}
