import type { ApiDocument } from '../openapi.ts'
import type { AuthMode } from './settings.ts'

const SCHEMES = {
  basic: { type: 'http', scheme: 'basic', description: 'Id and secret of a client with the osis scope.' },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token of this API; those of the partner portal are not accepted.',
  },
} as const

/** What the OpenAPI document says in addition to its operations. */
export function toDocument(authModes: readonly AuthMode[]): ApiDocument {
  return {
    info: {
      title: 'Usher: OSIS API',
      version: '1.0.0',
      description:
        'The Object Storage Interoperability Service that VMware Cloud Director Object Storage Extension calls. ' +
        'Every 4xx and 5xx response is an OsisError.',
    },
    tags: [
      { name: 'Information', description: 'What this service is and can do.' },
      { name: 'Authentication', description: 'Tokens, where they are served.' },
      { name: 'Tenants', description: "A customer's place on the platform." },
      { name: 'Users', description: 'The presence of Cloud Director users on the platform.' },
      { name: 'Credentials', description: 'Their S3 keys.' },
      { name: 'Platform', description: 'What the platform itself says.' },
    ],
    components: { securitySchemes: Object.fromEntries(authModes.map((mode) => [mode, SCHEMES[mode]])) },
    security: authModes.map((mode) => ({ [mode]: [] })),
  }
}
