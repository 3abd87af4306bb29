/** How callers of OSIS authenticate: with a client's id and secret, or with a token. */
export type AuthMode = 'basic' | 'bearer'

/** The operator's settings of this API. */
export interface OsisSettings {
  /** At least one. */
  readonly authModes: readonly AuthMode[]
  /** Begins every path: empty, or with a slash at its beginning and none at its end. */
  readonly prefix: string
  /** A JSON file of the S3 calls that the platform does not support; null uses what the platform itself knows. */
  readonly s3CapabilitiesFile: string | null
  /** The platform's own web console, with `{tenant_id}` and `{lang}` in place of the values; null if there is none. */
  readonly consoleUrl: string | null
}

/**
 * Lists the operations of the specification that are not served. They answer 501, and `GET /api/info` announces them in
 * `not_implemented`: one list for both.
 */
export function listNotImplemented({ consoleUrl }: Pick<OsisSettings, 'consoleUrl'>): string[] {
  return consoleUrl === null ? ['getBucketLoggingId', 'getConsole'] : ['getBucketLoggingId']
}
