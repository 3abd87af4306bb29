import type { Cause } from '../../model/causes.ts'
import { PlatformError } from '../platform.ts'

/**
 * The connection failed or broke: nothing listens there, or its certificate is not trusted, for example. The call may
 * have been carried out. A call that takes too long throws a plain `PlatformError` instead.
 */
export class RgwUnreachable extends PlatformError {
  /** Whether a call at once may succeed. It may not if the certificate is wrong. */
  readonly mayPass: boolean

  /** @param fault what is wrong with the gateway's certificate, if that is the reason */
  constructor(url: string, cause: unknown, fault?: string) {
    const code = fault === undefined ? 'unreachable' : 'certificate'
    super(`the Ceph RGW at ${url} cannot be reached: ${fault ?? describeFault(cause)}`, cause, code)
    this.name = 'RgwUnreachable'
    this.mayPass = fault === undefined
  }
}

/** The gateway responded with an error. */
export class RgwRefusal extends PlatformError {
  readonly status: number
  /** RGW's own error code. Empty if the response had none. */
  readonly code: string

  constructor(call: string, status: number, code: string) {
    const advice = ADVICE[code] ?? (code === '' ? NO_CODE : '')
    const result = [status, code].join(' ').trim()
    super(`the Ceph RGW responded to ${call} with ${result}${advice && `: ${advice}`}`)
    this.name = 'RgwRefusal'
    this.status = status
    this.code = code
  }

  override toCause(): Cause {
    return { code: 'refused', status: this.status, platformCode: this.code === '' ? null : this.code }
  }
}

const NO_CODE = 'check that USHER_CEPH_RGW_URL names the gateway and not something in front of it'
const NO_ADMIN_API =
  'its Admin Ops API is not at /admin; see the settings "rgw enable apis" and "rgw admin entry", and USHER_CEPH_RGW_URL'

/** Advice for the operator about the codes of RGW 16.2. Some of these codes do not mean what their names say. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: 'the user of USHER_CEPH_RGW_ACCESS_KEY needs the caps users=*;metadata=*;buckets=read',
  InvalidAccessKeyId: 'it does not know USHER_CEPH_RGW_ACCESS_KEY',
  SignatureDoesNotMatch: 'USHER_CEPH_RGW_SECRET_KEY is wrong, or a proxy changes the Host header',
  RequestTimeTooSkewed: 'its clock and the one here differ by more than 15 minutes',
  UserSuspended: 'the user of USHER_CEPH_RGW_ACCESS_KEY is suspended',
  MethodNotAllowed: NO_ADMIN_API,
  NoSuchBucket: NO_ADMIN_API,
}

/** How many characters of a response are searched for an error code, which comes first. */
const SEARCHED = 4_096

/**
 * Finds the error code in a response; empty if it has none. The Admin API sends errors as JSON, the S3 API of the same
 * gateway as XML. A response of another server may be of any length, and must not fill the log.
 */
export function findCode(text: string): string {
  const found = /"Code":"(\w{1,64})"|<Code>(\w{1,64})<\/Code>/.exec(text.slice(0, SEARCHED))
  return found?.[1] ?? found?.[2] ?? ''
}

/**
 * Returns whether the call may succeed if it is repeated at once. This is so if the connection broke, the gateway
 * failed, or the call ran at the same time as another call for its user (500 UnknownError in RGW 16.2).
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof RgwUnreachable) return error.mayPass
  return error instanceof RgwRefusal && error.status >= 500
}

/** Returns whether the gateway responded with this status and, if given, this code. */
export function isRefusal(error: unknown, status: number, code?: string): error is RgwRefusal {
  return error instanceof RgwRefusal && error.status === status && (code === undefined || error.code === code)
}

/** Describes the innermost cause of an error, which is the real reason. */
function describeFault(error: unknown): string {
  let fault = error
  while (fault instanceof Error && fault.cause instanceof Error) fault = fault.cause
  if (!(fault instanceof Error)) return String(fault)
  const { code } = fault as NodeJS.ErrnoException
  // The messages of undici say more than its codes: for UND_ERR_SOCKET the message is `other side closed`.
  return typeof code !== 'string' || code.startsWith('UND_ERR') ? fault.message : code
}
