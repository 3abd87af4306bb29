/** How callers of OSIS authenticate: with a client's id and secret, or with a token. */
export type AuthMode = 'basic' | 'bearer'

/** The operator's settings of this API. */
export interface OsisSettings {
  /** The accepted ways, at least one. */
  readonly authModes: readonly AuthMode[]
  /** The beginning of every path. It is empty, or begins with a slash and does not end with one. */
  readonly prefix: string
  /** A JSON file of the S3 calls that the platform does not support; null to use those of the platform. */
  readonly s3CapabilitiesFile: string | null
  /** The platform's own web console, with `{tenant_id}` and `{lang}` in place of the values; null if there is none. */
  readonly consoleUrl: string | null
}

/**
 * Lists the operations of the specification that are not implemented. They return 501, and `GET /api/info` lists them
 * in `not_implemented`.
 */
export function listNotImplemented({ consoleUrl }: Pick<OsisSettings, 'consoleUrl'>): string[] {
  return consoleUrl === null ? ['getBucketLoggingId', 'getConsole'] : ['getBucketLoggingId']
}
