import { describeGroups } from '../../directory/group-meanings.ts'
import type { ApiDocument } from '../openapi.ts'

/** What the OpenAPI document says in addition to its operations. */
export const document: ApiDocument = {
  info: {
    title: 'Usher: partner-portal API',
    version: 'v1',
    description:
      'Users of the customers of a cloud provider and its resellers, wire-compatible with the partner-portal operation ' +
      '"Create a Customer User". Paths, query names and header names are matched without regard to case. Checks come in ' +
      'this order: authentication (401), portal and permission (403), the shape of the request (400, all errors in one ' +
      'response), existence (404), conflicts (400).',
  },
  tags: [
    { name: 'Users', description: `People who log in to the portal. ${describeGroups()}` },
    { name: 'Accounts', description: 'What people and customers have on the storage platform.' },
    { name: 'Customers', description: 'Customers as companies, and their relations to resellers.' },
    { name: 'Resellers', description: 'Resellers as companies, and their portals.' },
    { name: 'API accesses', description: 'The programs that may call, and their secrets.' },
    { name: 'Webhooks', description: 'Events for systems that follow the directory.' },
    { name: 'Audit logs', description: 'Who did what to whom, and when.' },
    { name: 'Jobs', description: 'Long work that goes on after the call that began it.' },
  ],
  components: {
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'An access token from `POST /oauth2/v2.0/token`, or from a configured external issuer.',
      },
    },
  },
  security: [{ bearer: [] }],
}
