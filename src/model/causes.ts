/**
 * Why a call to a platform failed, as a closed list:
 *
 * - `unreachable`: nothing responds at the platform's address, or the connection broke
 * - `certificate`: the platform's certificate is not trusted
 * - `late`: the platform did not respond in time
 * - `refused`: the platform responded with an error
 * - `bad_response`: the response has another form than that of the platform
 * - `not_configured`: this process has no settings of the platform
 * - `wrong_cluster`: the address leads to another cluster than the one that has the accounts
 * - `key_taken`: another user of the platform has one of the access keys
 * - `changed_elsewhere`: another program keeps changing the account
 * - `still_there`: the platform still has the account after its removal
 * - `data_left`: the account owns data, and was to be removed without it
 * - `master_key`: a secret cannot be opened with the master keys of this process
 * - `store`: Usher's own store failed
 * - `other`: anything else; also failures that were stored before causes were kept
 */
export const CAUSE_CODES = [
  'unreachable',
  'certificate',
  'late',
  'refused',
  'bad_response',
  'not_configured',
  'wrong_cluster',
  'key_taken',
  'changed_elsewhere',
  'still_there',
  'data_left',
  'master_key',
  'store',
  'other',
] as const
export type CauseCode = (typeof CAUSE_CODES)[number]

/** Why a call to a platform failed. */
export interface Cause {
  readonly code: CauseCode
  /** The HTTP status of a refusal; null for other causes. */
  readonly status: number | null
  /** The platform's own error code of a refusal, such as `AccessDenied`; null if it sent none. */
  readonly platformCode: string | null
}

/** Returns a cause without details. */
export function toCause(code: CauseCode): Cause {
  return { code, status: null, platformCode: null }
}

/** Formats a cause as the store keeps it and commands take it: `late`, or `refused:403:AccessDenied`. */
export function formatCause({ code, status, platformCode }: Cause): string {
  return [code, status, platformCode].filter((part) => part !== null).join(':')
}

/** Parses what `formatCause` returns. A text of another form, such as one of a newer version, is `other`. */
export function parseCause(text: string): Cause {
  const [code = '', status, platformCode = null] = text.split(':')
  const known = CAUSE_CODES.find((one) => one === code)
  if (!known) return toCause('other')
  const number = status !== undefined && /^\d{3}$/.test(status) ? Number(status) : null
  return { code: known, status: number, platformCode: number === null ? null : platformCode }
}
