import { PlatformError } from '../platform.ts'

/** The gateway gave no answer: nobody listens there, or the connection broke. What was asked may have happened. */
export class RgwUnreachable extends PlatformError {
  constructor(url: string, cause: unknown) {
    super(`the Ceph RGW at ${url} cannot be reached: ${describeFault(cause)}`, cause)
    this.name = 'RgwUnreachable'
  }
}

/** The gateway answered with an error. */
export class RgwRefusal extends PlatformError {
  readonly status: number
  /** RGW's own error code, empty when the answer had none. */
  readonly code: string

  constructor(call: string, status: number, code: string) {
    const advice = ADVICE[code] ?? (code === '' ? NO_CODE : '')
    super(`the Ceph RGW answered ${call} with ${[status, code].join(' ').trim()}${advice && `: ${advice}`}`)
    this.name = 'RgwRefusal'
    this.status = status
    this.code = code
  }
}

const CERTIFICATE =
  "its certificate is not trusted here; NODE_EXTRA_CA_CERTS names a file with your own authority's"
const NO_CODE = 'is that the gateway that USHER_CEPH_RGW_URL names, or something in front of it?'
const NO_ADMIN_API =
  'its Admin Ops API is not at /admin; see the settings "rgw enable apis" and "rgw admin entry", and USHER_CEPH_RGW_URL'

/** What an operator does about a refusal. The codes are those of RGW 16.2, where some do not mean what they say. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: 'the user of USHER_CEPH_RGW_ACCESS_KEY needs the caps users=*;metadata=*;buckets=read',
  InvalidAccessKeyId: 'it does not know USHER_CEPH_RGW_ACCESS_KEY',
  SignatureDoesNotMatch: 'USHER_CEPH_RGW_SECRET_KEY is wrong, or a proxy changes the Host header',
  RequestTimeTooSkewed: 'its clock and the one here differ by more than 15 minutes',
  UserSuspended: 'the user of USHER_CEPH_RGW_ACCESS_KEY is suspended',
  MethodNotAllowed: NO_ADMIN_API,
  NoSuchBucket: NO_ADMIN_API,
}

/**
 * Whether the same call can succeed when it is made again at once: the connection broke, the gateway stumbled, or it
 * lost a race with another call about the same user, which RGW 16.2 answers 500 UnknownError.
 */
export function isTransient(error: unknown): boolean {
  return error instanceof RgwUnreachable || (error instanceof RgwRefusal && error.status >= 500)
}

export function isRefusal(error: unknown, status: number, code?: string): error is RgwRefusal {
  return error instanceof RgwRefusal && error.status === status && (code === undefined || error.code === code)
}

/** What happened may be one or more causes deeper. */
function describeFault(error: unknown): string {
  let fault = error
  while (fault instanceof Error && fault.cause instanceof Error) fault = fault.cause
  if (!(fault instanceof Error)) return String(fault)
  const { code } = fault as NodeJS.ErrnoException
  if (typeof code !== 'string') return fault.message
  return /CERT|SIGNATURE/.test(code) ? `${code}: ${CERTIFICATE}` : code
}
