import type { Generated } from 'kysely'

/** The tables of the console: how people enter it. Columns as in `Tables`. */
export interface ConsoleTables {
  /** Signed-in people, one row for each browser. The row is deleted when the session ends. */
  sessions: {
    pk: Generated<number>
    id: string
    /** The SHA-256 of the token in the cookie. */
    token_hash: string
    user_pk: number
    method: 'link' | 'oidc'
    /** The identity at an issuer, for the method `oidc`. */
    issuer: string | null
    subject: string | null
    /** The source address and the User-Agent of the request that began it. */
    address: string | null
    agent: string | null
    created_at: string
    /** When it was last used, to a minute. */
    seen_at: string
    /** When it ends, however much it is used. */
    expires_at: string
  }
  /** Links by which one person enters once. */
  sign_in_links: {
    pk: Generated<number>
    id: string
    /** The SHA-256 of the token in the link. */
    token_hash: string
    /** Null for the link that makes the first Administrator of the provider. */
    user_pk: number | null
    created_at: string
    expires_at: string
    used_at: string | null
  }
  /** Who is who at an OpenID provider. One identity may be several users, each in another organization. */
  identities: {
    pk: Generated<number>
    issuer: string
    subject: string
    user_pk: number
    created_at: string
  }
  /** As `idempotency_keys`, for people. */
  person_answers: {
    /** The id of the user. */
    person: string
    key: string
    request_hash: string
    answer: string
    expires_at: string
  }
}
