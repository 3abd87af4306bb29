/** What sign-in at an OpenID provider needs of the settings. */
export interface OpenIdSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** What the button says. */
  readonly name: string
}

/** The OpenID provider at which people sign in to the console. */
export interface OpenIdProvider {
  readonly name: string
  /** Returns where a person signs out of the provider; null if that is not known. */
  findSignOutUrl(returnTo: string): string | null
}
