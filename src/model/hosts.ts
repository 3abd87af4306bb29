/** Returns whether a host is this machine itself: `localhost`, 127.0.0.0/8 or ::1. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|(::ffff:)?127(\.\d+){3}|\[?::1\]?)$/i.test(host)
}

/**
 * How the console may be used at a URL: over https; over http on this machine alone; or not at all. Browsers drop the
 * cookies of plain http, and send no `Sec-Fetch-Site`.
 */
export type ConsoleAccess = 'https' | 'loopback' | 'refused'

/** Returns how the console may be used at the public URL of the service. */
export function getConsoleAccess(publicUrl: string): ConsoleAccess {
  const { protocol, hostname } = new URL(publicUrl)
  if (protocol === 'https:') return 'https'
  return isLoopback(hostname) ? 'loopback' : 'refused'
}

/** Says why the console is refused, and what to do. */
export const CONSOLE_REFUSED =
  'The console needs https, or localhost. Put a reverse proxy with TLS in front of Usher, and set USHER_PUBLIC_URL to ' +
  'its https URL.'

/** Returns a one-time link. Its token is the fragment, which browsers send to no server. */
export function toLink(publicUrl: string, token: string): string {
  return `${publicUrl}/console/enter#${token}`
}
