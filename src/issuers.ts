import { Ajv, type ErrorObject } from 'ajv'
import type { Static } from 'typebox'
import type { ExternalIssuer } from './auth/external-issuers.ts'
import { type Condition, toWholePattern } from './auth/machine.ts'
import { Type } from './json-schema.ts'
import { isHttpUrl } from './setting-values.ts'

/** The signature algorithms that an external issuer may use: asymmetric ones only (RFC 8725 section 3.2). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** A text that is not blank, and has no blank at its ends: values are compared exactly. */
const Text = Type.String({ format: 'text' })

const MachineCondition = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object({ pattern: Type.String() }, { additionalProperties: false }),
  Type.Object({ sameAs: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
])

const IssuerSetting = Type.Object(
  {
    issuer: Text,
    jwksUrl: Type.String({ format: 'safe-url' }),
    audience: Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'text' }),
    algorithms: Type.Optional(Type.Array(Type.Enum(ALGORITHMS), { minItems: 1 })),
    clientClaim: Type.Optional(Text),
    machine: Type.Optional(Type.Record(Type.String(), MachineCondition, { minProperties: 1 })),
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
  const parsed = parseJson(text)
  const formats = { 'safe-url': isSafeUrl, text: isExactText }
  const check = new Ajv({ allErrors: true, allowUnionTypes: true, formats }).compile(IssuersSetting)
  if (!check(parsed)) throw new Error(describeProblems(check.errors ?? []).join('\n'))
  const issuers = parsed as Static<typeof IssuersSetting>
  const problems = issuers.flatMap((one, i) => [...findTwin(issuers, i), ...findUnsafeRules(one, `[${i}]`)])
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return Object.freeze(issuers.map(toIssuer))
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
  machine,
  ...issuer
}: Static<typeof IssuerSetting>): ExternalIssuer {
  return Object.freeze({
    ...issuer,
    jwksUrl: new URL(issuer.jwksUrl).href,
    algorithms: Object.freeze([...algorithms]),
    ...(machine && { machine: Object.freeze(machine) }),
  })
}

/** Returns whether a URL is safe to fetch keys from: keys that arrive without encryption may come from anyone. */
function isSafeUrl(text: string): boolean {
  if (!isHttpUrl(text) || /\p{Cc}/u.test(text)) return false
  const { protocol, hostname, username, password, hash } = new URL(text)
  if (username !== '' || password !== '' || hash !== '') return false
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

function isExactText(text: string): boolean {
  return text !== '' && text === text.trim()
}

/** Only the first of two entries for the same issuer would be used. */
function findTwin(all: readonly ExternalSetting[], index: number): string[] {
  const first = all.findIndex(({ issuer }) => issuer === all[index]?.issuer)
  return first === index ? [] : [`[${index}].issuer is the same as [${first}].issuer; list each issuer once`]
}

type ExternalSetting = Static<typeof IssuerSetting>

/** Returns the rules of an issuer that would let the tokens of people pass. */
function findUnsafeRules({ clientClaim, machine }: ExternalSetting, path: string): string[] {
  if (machine === undefined) {
    return clientClaim === 'sub'
      ? [`${path}.machine is missing: sub names people too, so say what proves a machine`]
      : []
  }
  return Object.entries(machine).flatMap(([claim, condition]) => {
    const problem = findUnsafeCondition(claim, condition)
    return problem === undefined ? [] : [`${path}.machine.${claim} ${problem}`]
  })
}

/** Claims that name the client in the tokens of people too. */
const CLIENT_CLAIMS = ['cid', 'azp', 'appid', 'client_id']

/** Claims whose values tell an issuer, a recipient or an access token, and not who it stands for. */
const SHARED_CLAIMS = ['iss', 'aud', 'token_use']

function findUnsafeCondition(claim: string, condition: Condition): string | undefined {
  // Keycloak's access tokens of people have `typ: Bearer`.
  if (SHARED_CLAIMS.includes(claim) || (claim === 'typ' && condition === 'Bearer'))
    return 'proves nothing: tokens of people have the same value'
  if (CLIENT_CLAIMS.includes(claim) && !comparesClients(claim, condition))
    return 'proves nothing: tokens of people name the client too. To say which claim names it, use clientClaim'
  if (typeof condition === 'string') return undefined
  if ('sameAs' in condition)
    return condition.sameAs === claim ? 'is compared with itself, which is always true' : undefined
  return findPatternProblem(condition.pattern)
}

/** `cid` is in the tokens of people, and so is a client that is also the audience. */
function comparesClients(claim: string, condition: Condition): boolean {
  if (typeof condition === 'string' || !('sameAs' in condition) || claim === 'cid') return false
  return ![...SHARED_CLAIMS, 'cid'].includes(condition.sameAs)
}

function findPatternProblem(pattern: string): string | undefined {
  try {
    const isVoid = toWholePattern(pattern).test('')
    return isVoid ? 'has a pattern that matches the empty text, so it proves nothing' : undefined
  } catch {
    return 'has a pattern that is not a regular expression'
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'a JSON array',
  object: 'a JSON object',
  string: 'a string',
  'string,null': 'a string or null',
}

/** Describes the errors of the schema. The parts of a union are left out, because one of them says all. */
function describeProblems(errors: readonly ErrorObject[]): string[] {
  return errors.filter(({ schemaPath }) => !schemaPath.includes('/anyOf/')).map(describeProblem)
}

/** Describes one error of the schema, beginning with the member: `[0].jwksUrl must be …`. */
function describeProblem({ instancePath, keyword, params }: ErrorObject): string {
  const path = instancePath
    .replace(/\/(\d+)/g, '[$1]')
    .replace(/\//g, '.')
    .replace(/~1/g, '/')
    .replace(/~0/g, '~')
  const rule = RULES[keyword]?.(params) ?? 'is wrong'
  return rule.startsWith('.') ? `${path}${rule}` : `${path} ${rule}`.trim()
}

const FORMATS: Readonly<Record<string, string>> = {
  'safe-url': 'must be an https URL, or an http URL of this machine, without a user and a fragment',
  text: 'must not be empty, and must not begin or end with a blank',
}

const RULES: Readonly<Record<string, (params: ErrorObject['params']) => string>> = {
  type: ({ type }) => `must be ${TYPE_NAMES[String(type)] ?? type}`,
  required: ({ missingProperty }) => `.${missingProperty} is missing`,
  additionalProperties: ({ additionalProperty }) =>
    `.${additionalProperty} is not a member; the members are ${Object.keys(IssuerSetting.properties).join(', ')}`,
  minItems: () => 'must not be empty',
  minProperties: () => 'must have a condition; without conditions, leave it out',
  format: ({ format }) => FORMATS[format] ?? 'is wrong',
  enum: () => `must be one of ${ALGORITHMS.join(', ')}`,
  anyOf: () => 'must be a text that is not empty, {"pattern": "…"} or {"sameAs": "claim"}',
}
