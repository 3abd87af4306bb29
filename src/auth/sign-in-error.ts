/** Why a sign-in at an OpenID provider failed. The message is for the log. */
export class SignInError extends Error {
  readonly problem: 'cancelled' | 'expired' | 'unavailable' | 'failed'

  constructor(problem: SignInError['problem'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SignInError'
    this.problem = problem
  }
}
