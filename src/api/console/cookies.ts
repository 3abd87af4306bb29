import { SIGN_IN_SECONDS } from '../../model/sessions.ts'
import type { Place } from './place.ts'

/** What a cookie of the console is for: the session, or a sign-in that is under way. */
type CookieUse = 'session' | 'sign-in'

const NAMES: Readonly<Record<CookieUse, string>> = { session: 'usher', 'sign-in': 'usher-sign-in' }

/**
 * `__Host-` keeps other hosts and plain http from setting the cookie. It needs `Secure`, which Safari drops on http.
 * Cookies are the same for all ports and, with `__Host-`, all paths of a host, so the name has the mark of the place.
 */
function nameOf({ access, mark }: Place, use: CookieUse): string {
  return `${access === 'https' ? '__Host-' : ''}${NAMES[use]}-${mark}`
}

/** Returns the value of a cookie of the console; undefined if the browser sent none. */
export function readCookie(place: Place, use: CookieUse, header: string | undefined): string | undefined {
  const name = nameOf(place, use)
  const pairs = (header ?? '').split(';').map((pair) => pair.trim())
  const found = pairs.find((pair) => pair.startsWith(`${name}=`))
  return found?.slice(name.length + 1) || undefined
}

/** Returns the value of `Set-Cookie` that begins a session. It ends with the session of the browser, or with ours. */
export function setSession(place: Place, token: string): string {
  return write(place, 'session', `${token}; SameSite=Strict`)
}

/** Returns the value of `Set-Cookie` that ends a session. */
export function clearSession(place: Place): string {
  return write(place, 'session', '; Max-Age=0; SameSite=Strict')
}

/**
 * Returns the value of `Set-Cookie` for a sign-in that is under way. The sign-in service leads back from another site,
 * where a browser sends no cookie with `SameSite=Strict`.
 */
export function setSignIn(place: Place, sealed: string): string {
  return write(place, 'sign-in', `${sealed}; Max-Age=${SIGN_IN_SECONDS}; SameSite=Lax`)
}

/** Returns the value of `Set-Cookie` after a sign-in. */
export function clearSignIn(place: Place): string {
  return write(place, 'sign-in', '; Max-Age=0; SameSite=Lax')
}

function write(place: Place, use: CookieUse, value: string): string {
  const secure = place.access === 'https' ? '; Secure' : ''
  return `${nameOf(place, use)}=${value}; Path=/; HttpOnly${secure}`
}
