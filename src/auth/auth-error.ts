/**
 * The caller could not be authenticated. The message is sent to the caller, so it does not say which part was right.
 */
export class AuthError extends Error {
  /** Whether the request carried credentials. If not, the response has no error code (RFC 6750 section 3.1). */
  readonly presented: boolean

  constructor(message: string, { presented = true }: { readonly presented?: boolean } = {}) {
    super(message)
    this.name = 'AuthError'
    this.presented = presented
  }
}

/** The token was valid, but has expired: it is not counted as a failed authentication. */
export class ExpiredError extends AuthError {
  constructor(message = 'The token has expired') {
    super(message)
    this.name = 'ExpiredError'
  }
}

/** The keys of an external issuer could not be fetched, so its tokens can be neither accepted nor rejected. */
export class IssuerUnavailableError extends Error {
  constructor(issuer: string, cause: unknown) {
    super(`the keys of the issuer ${issuer} cannot be fetched`, { cause })
    this.name = 'IssuerUnavailableError'
  }
}
