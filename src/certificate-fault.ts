import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'

/** The server whose certificate was refused. */
export interface TlsPeer {
  readonly host: string
  readonly port: number
  /** For a protocol that begins without TLS: agrees with the server to go on with TLS. */
  readonly upgrade?: (socket: Socket) => Promise<void>
  /** How to trust an authority, for the message; by default with NODE_EXTRA_CA_CERTS. */
  readonly trust?: string
}

/** Returns the server of an https URL; undefined for another URL. */
export function toTlsPeer(url: string): TlsPeer | undefined {
  const { protocol, hostname, port } = new URL(url)
  // The host of an IPv6 address is in brackets in a URL.
  return protocol === 'https:'
    ? { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) }
    : undefined
}

/** The time limit for looking at the certificate again. */
const INSPECT_MS = 2_000
/** The longest part of a certificate in a message. The other side chooses these texts. */
const MAX_TEXT = 200

const EXPIRED = 'CERT_HAS_EXPIRED'
const EARLY = 'CERT_NOT_YET_VALID'
const NAMES = ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH']
const SELF_SIGNED = 'DEPTH_ZERO_SELF_SIGNED_CERT'
const UNKNOWN_ISSUER = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]
/** Other codes of OpenSSL about a certificate (Node documentation, "X509 certificate error codes"). */
const OTHERS = /^(CERT_|CRL_|INVALID_(CA|PURPOSE)|PATH_LENGTH|ERROR_IN_CERT|UNABLE_TO_DE|EE_KEY|CA_(KEY|MD))/
const NO_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO']

/**
 * Describes what is wrong with the certificate that a connection failed for: its time, its names or its issuer. The
 * error of the connection says only which of these it is. So this function reads the certificate over another
 * connection, and sends nothing there.
 * @param error the failure of the connection, or an error with that as its innermost cause
 * @param peer undefined for a connection without TLS, which has no certificate
 * @returns the rest of a sentence that begins with the server, with what to do; undefined if the failure has another
 *   reason
 */
export async function describeCertificateFault(
  error: unknown,
  peer: TlsPeer | undefined,
): Promise<string | undefined> {
  const code = codeOf(error)
  if (code === undefined || !peer) return undefined
  if (NO_TLS.includes(code)) return `it does not speak TLS on port ${peer.port} (${code}); check the URL`
  if (!isAboutCertificate(code)) return undefined
  const certificate = await readCertificate(peer).catch(() => undefined)
  return `${describeFault(code, certificate, peer)} (${code})`
}

function isAboutCertificate(code: string): boolean {
  return [EXPIRED, EARLY, SELF_SIGNED, ...NAMES, ...UNKNOWN_ISSUER].includes(code) || OTHERS.test(code)
}

/** Returns the code of the innermost cause, which is the real reason. */
function codeOf(error: unknown): string | undefined {
  let fault = error
  while (fault instanceof Error && fault.cause instanceof Error) fault = fault.cause
  const { code } = (fault ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

function describeFault(
  code: string,
  certificate: DetailedPeerCertificate | undefined,
  peer: TlsPeer,
): string {
  const { host, trust = 'set NODE_EXTRA_CA_CERTS to a PEM file with it' } = peer
  const chain = certificate ? listChain(certificate) : []
  const now = new Date()
  if (code === EXPIRED) {
    const expired = chain.find((one) => new Date(one.valid_to) < now)
    return `${nameOf(expired, certificate)} expired${expired ? ` at ${toIso(expired.valid_to)}` : ''}; renew it`
  }
  if (code === EARLY) {
    const early = chain.find((one) => new Date(one.valid_from) > now)
    const from = early ? ` until ${toIso(early.valid_from)}` : ''
    return `${nameOf(early, certificate)} is not valid yet${from}, and the time here is ${now.toISOString()}; check the clocks`
  }
  if (NAMES.includes(code)) {
    const names = certificate ? ` It is for ${namesOf(certificate)}.` : ''
    return `its certificate is not for the name ${host}.${names} Use one of its names in the URL, or renew it with this name`
  }
  if (code === SELF_SIGNED)
    return `its certificate is self-signed${certificate ? ` by ${toText(certificate.subject)}` : ''}; to trust it, ${trust}`
  if (UNKNOWN_ISSUER.includes(code)) {
    const last = chain.at(-1)
    const issuer = last ? ` by ${toText(last.issuer)}` : ''
    const missing =
      code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' ? ', or let the server send the certificates in between' : ''
    return `its certificate was issued${issuer}, which is not trusted here; to trust this authority, ${trust}${missing}`
  }
  return 'its certificate cannot be used'
}

function nameOf(
  faulty: DetailedPeerCertificate | undefined,
  own: DetailedPeerCertificate | undefined,
): string {
  return faulty && faulty !== own
    ? `the certificate of its issuer ${toText(faulty.subject)}`
    : 'its certificate'
}

/** Returns a certificate and those of its issuers, as far as the server has sent them. */
function listChain(certificate: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  for (let one = certificate; one && !chain.includes(one) && chain.length < 10; one = one.issuerCertificate)
    chain.push(one)
  return chain
}

/** A time that cannot be read is shown as it is. */
function toIso(time: string): string {
  const at = new Date(time)
  return Number.isNaN(at.getTime()) ? clean(time) : at.toISOString()
}

/** Returns the host names of a certificate. If it has none, returns its subject. */
function namesOf({ subjectaltname, subject }: DetailedPeerCertificate): string {
  const names = subjectaltname?.replaceAll(/(DNS|IP Address):/g, '') ?? ''
  return clean(names || toText(subject))
}

/** Writes a subject or an issuer as `CN=…, O=…`. */
function toText(name: object | undefined): string {
  const parts = Object.entries(name ?? {}).map(([key, value]) => `${key}=${[value].flat().join('+')}`)
  return clean(parts.reverse().join(', ') || 'an unnamed authority')
}

function clean(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ')
  return plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}…` : plain
}

/** Reads the certificate of a server, whether it is trusted or not. */
async function readCertificate(peer: TlsPeer): Promise<DetailedPeerCertificate | undefined> {
  const { host, port, upgrade } = peer
  const { promise, resolve, reject } = Promise.withResolvers<DetailedPeerCertificate | undefined>()
  const tcp = connectTcp({ host, port })
  let tls: TLSSocket | undefined
  const timer = setTimeout(() => reject(new Error('the server does not respond')), INSPECT_MS)
  const begin = async (): Promise<void> => {
    await upgrade?.(tcp)
    // The certificate is only looked at. Nothing is sent over this connection, and it is closed at once.
    tls = connectTls({
      socket: tcp,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 && { servername: host }),
    })
    tls.on('error', reject)
    tls.on('secureConnect', () => {
      try {
        const certificate = tls?.getPeerCertificate(true)
        resolve(certificate && Object.keys(certificate).length > 0 ? certificate : undefined)
      } catch (error) {
        reject(error)
      }
    })
  }
  tcp.on('error', reject)
  tcp.on('connect', () => void begin().catch(reject))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    tls?.destroy()
    tcp.destroy()
  }
}
