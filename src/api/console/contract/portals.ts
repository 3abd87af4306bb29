import { Type } from '../../../json-schema.ts'
import { listQuery, OrganizationRef, Page, uuid } from './parts.ts'

/** The portals. */
export const listPortals = {
  method: 'GET',
  path: '/portals',
  operation: 'ListPortals',
  tag: 'Organizations',
  summary: 'The portals: for a provider all, for a reseller its own',
  query: Type.Object({
    organization: Type.Optional(uuid('Only portals of this organization.')),
    ...listQuery,
  }),
  response: Page(
    Type.Object({
      domain: Type.String({ description: 'The DNS name, which callers send as X-Tenant.' }),
      organization: OrganizationRef,
    }),
  ),
} as const
