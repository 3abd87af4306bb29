import type { FastifyReply } from 'fastify'

/** Nothing but the console's own files, and no script that is written into a page. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

/**
 * Everything that a browser may do for a page, but what the console uses: copying, and passkeys. A name that Chromium
 * does not know would be an error in its console.
 */
const PERMISSIONS_POLICY =
  'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), ' +
  'midi=(), payment=(), usb=(), serial=(), hid=(), xr-spatial-tracking=(), screen-wake-lock=(), ' +
  'idle-detection=(), local-fonts=(), clipboard-read=(), fullscreen=(), picture-in-picture=(), ' +
  'clipboard-write=(self), publickey-credentials-get=(self), publickey-credentials-create=(self)'

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'permissions-policy': PERMISSIONS_POLICY,
} as const

/** Sets the headers that every response of the console has. */
export function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers(HEADERS)
}
