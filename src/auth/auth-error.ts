/** The caller could not be authenticated. The text goes back to the caller, so it never says which part was nearly right. */
export class AuthError extends Error {
  /** Whether anything was presented at all; RFC 6750 section 3.1 wants no error code when nothing was. */
  readonly presented: boolean

  constructor(message: string, presented = true) {
    super(message)
    this.name = 'AuthError'
    this.presented = presented
  }
}

/** The token was a right one, until its time ran out. */
export class ExpiredError extends AuthError {
  constructor() {
    super('The token has expired')
    this.name = 'ExpiredError'
  }
}

/** The keys of an external issuer could not be had, so its tokens can be neither believed nor refused. */
export class IssuerUnavailableError extends Error {
  constructor(issuer: string, cause: unknown) {
    super(`the keys of the issuer ${issuer} cannot be fetched`, { cause })
    this.name = 'IssuerUnavailableError'
  }
}
