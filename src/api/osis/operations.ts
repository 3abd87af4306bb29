/** One operation of the OSIS specification. */
export interface OsisOperation {
  readonly id: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE'
  /** In the router's notation. */
  readonly url: string
}

/**
 * The operations of the OSIS specification that are not served yet. They answer 501 and stand in
 * `not_implemented` of `GET /api/info`, from this one list, so that the announcement is always true.
 */
export const NOT_IMPLEMENTED: readonly OsisOperation[] = [
  { id: 'refreshToken', method: 'POST', url: '/v1/auth/token' },
  { id: 'getS3Capabilities', method: 'GET', url: '/v1/s3capabilities' },
  { id: 'listTenants', method: 'GET', url: '/v1/tenants' },
  { id: 'queryTenants', method: 'GET', url: '/v1/tenants/query' },
  { id: 'updateTenant', method: 'PATCH', url: '/v1/tenants/:tenantId' },
  { id: 'deleteTenant', method: 'DELETE', url: '/v1/tenants/:tenantId' },
  { id: 'listUsers', method: 'GET', url: '/v1/tenants/:tenantId/users' },
  { id: 'queryUsers', method: 'GET', url: '/v1/users/query' },
  { id: 'getUserWithCanonicalID', method: 'GET', url: '/v1/users/:canonicalUserId' },
  { id: 'updateUserStatus', method: 'PATCH', url: '/v1/tenants/:tenantId/users/:userId' },
  { id: 'deleteUser', method: 'DELETE', url: '/v1/tenants/:tenantId/users/:userId' },
  { id: 'createCredential', method: 'POST', url: '/v1/tenants/:tenantId/users/:userId/s3credentials' },
  { id: 'queryCredentials', method: 'GET', url: '/v1/s3credentials/query' },
  { id: 'getCredential', method: 'GET', url: '/v1/s3credentials/:accessKey' },
  { id: 'updateCredentialStatus', method: 'PATCH', url: '/v1/s3credentials/:accessKey' },
  { id: 'deleteCredential', method: 'DELETE', url: '/v1/s3credentials/:accessKey' },
  { id: 'getUsage', method: 'GET', url: '/v1/usage' },
  { id: 'getBucketList', method: 'GET', url: '/v1/bucket-list' },
  { id: 'getBucketLoggingId', method: 'GET', url: '/v1/bucket-logging-id' },
  { id: 'getAnonymousUser', method: 'GET', url: '/v1/anonymous-user' },
  { id: 'getConsole', method: 'GET', url: '/v1/console' },
]
