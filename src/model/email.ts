/**
 * Whether the text is an e-mail address: RFC 5321 limits (local part 64, domain 253 octets), a dot-atom or
 * UTF-8 local part (RFC 6531) and a domain of labels. Quoted local parts and address literals are refused:
 * no identity provider issues them, and they are a way to smuggle characters.
 */
export function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at < 1 || at > 64) return false
  const local = text.slice(0, at)
  return LOCAL.test(local) && Buffer.byteLength(local) <= 64 && isDomain(text.slice(at + 1))
}

/** Whether the text is a DNS name (letters, digits and hyphens of any script), 253 characters at most; one label is enough (`localhost`). */
export function isDomain(text: string): boolean {
  return text.length <= 253 && DOMAIN.test(text)
}

/** The form in which e-mail addresses are compared: canonical composition, no case. */
export function foldEmail(email: string): string {
  return email.normalize('NFC').toLowerCase()
}

// Both are linear: no two neighbouring parts can match the same character.
const LOCAL = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u
const DOMAIN =
  /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?)*$/u
