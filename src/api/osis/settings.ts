import type { OsisS3Capabilities } from './platform-schemas.ts'

/** How callers of OSIS authenticate: by Basic, by tokens, or by either. */
export type AuthMode = 'basic' | 'bearer'

/** What an operator says about this API. */
export interface OsisSettings {
  readonly authModes: readonly AuthMode[]
  /** What every path begins with; empty, or with a slash before it and none behind. */
  readonly prefix: string
  /** The platform's own web console, with `{tenant_id}` and `{lang}` where they belong; null where there is none. */
  readonly consoleUrl: string | null
  readonly s3Capabilities: OsisS3Capabilities
}

/**
 * The operations of the specification that are not served. They answer 501 and stand in `not_implemented` of
 * `GET /api/info`, from this one list, so that the announcement is always true.
 */
export function listNotImplemented({ consoleUrl }: Pick<OsisSettings, 'consoleUrl'>): string[] {
  return consoleUrl === null ? ['getBucketLoggingId', 'getConsole'] : ['getBucketLoggingId']
}
