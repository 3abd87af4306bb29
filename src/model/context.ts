import type { Organization } from './organizations.ts'

/** What a client may do: `administrator` and `viewer` speak the partner portal's API, `osis` the OSIS API. */
export const PERMISSIONS = ['administrator', 'viewer', 'osis'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** The operator at the command line: above all organizations, and no client. */
export const OPERATOR = 'operator'

/** In whose name, through which portal and under which correlation id something is done. */
export interface Context {
  /** The calling client's id, or `operator`. */
  readonly caller: string
  readonly clientPk: number | null
  /** The organization that bounds what the caller reaches: the client's own, narrowed by the portal. */
  readonly organization: Organization
  readonly permission: Permission
  readonly portal: string | null
  readonly correlationId: string
}
