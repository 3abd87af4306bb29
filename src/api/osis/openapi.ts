import type { ApiDocument } from '../openapi.ts'

/** What the OpenAPI document says beside its operations. */
export const document: ApiDocument = {
  info: {
    title: 'Usher: OSIS API',
    version: '1.0.0',
    description:
      'The Object Storage Interoperability Service that VMware Cloud Director Object Storage Extension calls. ' +
      'Every 4xx and 5xx answer is an OsisError.',
  },
  tags: [
    { name: 'Information', description: 'What this service is and can do.' },
    { name: 'Tenants', description: "A customer's place on the platform." },
    { name: 'Users', description: 'The presence of Cloud Director users on the platform.' },
    { name: 'Credentials', description: 'Their S3 keys.' },
  ],
  components: {
    securitySchemes: {
      basic: { type: 'http', scheme: 'basic', description: 'Id and secret of a client with the osis scope.' },
    },
  },
  security: [{ basic: [] }],
}
