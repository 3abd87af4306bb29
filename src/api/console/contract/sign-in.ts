/** Why a sign-in at an OpenID provider was refused: the page of signing in gets it as `problem`. */
export type SignInProblem =
  | 'cancelled'
  | 'expired'
  | 'unavailable'
  | 'failed'
  | 'person_not_found'
  | 'person_not_permitted'
  | 'email_not_verified'
  | 'busy'
