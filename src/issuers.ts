import { Ajv, type ErrorObject } from 'ajv'
import { type Static, Type } from 'typebox'
import type { ExternalIssuer } from './auth/bearer.ts'
import { isHttpUrl } from './setting-values.ts'

/** The signature algorithms that an external issuer may use: asymmetric ones only (RFC 8725 section 3.2). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

const IssuerSetting = Type.Object(
  {
    issuer: Type.String({ minLength: 1 }),
    jwksUrl: Type.String({ format: 'safe-url' }),
    audience: Type.String({ minLength: 1 }),
    algorithms: Type.Optional(Type.Array(Type.Enum(ALGORITHMS), { minItems: 1 })),
  },
  { additionalProperties: false },
)
const IssuersSetting = Type.Array(IssuerSetting)

/**
 * Parses the setting USHER_ISSUERS.
 * @param text a JSON array of issuers; an issuer without algorithms gets RS256 and ES256
 * @throws {Error} with a message that follows the name of the setting, one line for each wrong member
 */
export function parseIssuers(text: string): readonly ExternalIssuer[] {
  const issuers = parseJson(text)
  const check = new Ajv({ allErrors: true, formats: { 'safe-url': isSafeUrl } }).compile(IssuersSetting)
  if (!check(issuers)) throw new Error((check.errors ?? []).map(describeProblem).join('\n'))
  return Object.freeze((issuers as Static<typeof IssuersSetting>).map(toIssuer))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`must be JSON: ${(error as Error).message.split('\n')[0]}`)
  }
}

function toIssuer({
  algorithms = ['RS256', 'ES256'],
  ...issuer
}: Static<typeof IssuerSetting>): ExternalIssuer {
  return Object.freeze({ ...issuer, algorithms: Object.freeze([...algorithms]) })
}

/** Returns whether a URL is safe to fetch keys from: keys that arrive without encryption may come from anyone. */
function isSafeUrl(text: string): boolean {
  if (!isHttpUrl(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'a JSON array',
  object: 'a JSON object',
  string: 'a string',
}

/** Describes one error of the schema, beginning with the member: `[0].jwksUrl must be …`. */
function describeProblem({ instancePath, keyword, params }: ErrorObject): string {
  const path = instancePath.replace(/\/(\d+)/g, '[$1]').replace(/\//g, '.')
  const rule = RULES[keyword]?.(params) ?? 'is wrong'
  return rule.startsWith('.') ? `${path}${rule}` : `${path} ${rule}`.trim()
}

const RULES: Readonly<Record<string, (params: ErrorObject['params']) => string>> = {
  type: ({ type }) => `must be ${TYPE_NAMES[type] ?? type}`,
  required: ({ missingProperty }) => `.${missingProperty} is missing`,
  additionalProperties: ({ additionalProperty }) =>
    `.${additionalProperty} is not a member; the members are ${Object.keys(IssuerSetting.properties).join(', ')}`,
  minLength: () => 'must not be empty',
  minItems: () => 'must not be empty',
  format: () => 'must be an https URL, or an http URL of this machine',
  enum: () => `must be one of ${ALGORITHMS.join(', ')}`,
}
