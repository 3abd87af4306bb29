/**
 * Whether the text is an e-mail address: a dot-atom (RFC 5322) or its UTF-8 form (RFC 6531), and a domain of labels.
 * Its length is the members' own rule, 255 code points; a local part over RFC 5321's 64 octets is left for the mail
 * system that has to know it. Quoted local parts and address literals are refused: no identity provider issues them,
 * and they are a way to smuggle characters.
 */
export function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  return at > 0 && LOCAL.test(text.slice(0, at)) && isDomain(text.slice(at + 1))
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
