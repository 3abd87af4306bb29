/**
 * The models of the newest revision (section 5 of the contract), as a client generated from it decodes them: a number
 * that comes as a text fails, and so does a member that is missing. Written out here, and not taken from what is tested.
 */
export type Type =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'date-time'
  | 'uri'
  | 'bare text'
  | { readonly enum: readonly string[] }
  | { readonly array: Type }
  | { readonly map: Type }
  | { readonly required: Members; readonly optional?: Members; readonly nullable?: Members }

type Members = Readonly<Record<string, Type>>

const ROLES = ['PROVIDER_ADMIN', 'TENANT_ADMIN', 'TENANT_USER', 'ANONYMOUS', 'UNKNOWN']
const HEALTHS = ['NOT_APPLICABLE', 'AVAILABLE', 'UNAVAILABLE']

const strings = (...names: string[]): Members => Object.fromEntries(names.map((name) => [name, 'string']))
const integers = (...names: string[]): Members => Object.fromEntries(names.map((name) => [name, 'integer']))
const pageOf = (item: Type): Type => ({
  required: { items: { array: item }, page_info: { required: integers('limit', 'offset', 'total') } },
})

const Tenant: Type = {
  required: { ...strings('name', 'tenant_id'), active: 'boolean', cd_tenant_ids: { array: 'string' } },
  nullable: { health: { enum: HEALTHS }, extensions: { map: 'string' } },
}

const User: Type = {
  required: {
    ...strings('user_id', 'canonical_user_id', 'tenant_id', 'username', 'cd_user_id', 'cd_tenant_id'),
    active: 'boolean',
    role: { enum: ROLES },
  },
  nullable: strings('user_arn', 'email'),
}

const Credential: Type = {
  required: strings('access_key', 'secret_key', 'tenant_id', 'user_id', 'cd_user_id', 'cd_tenant_id'),
  nullable: { active: 'boolean', creation_date: 'date-time', username: 'string', immutable: 'boolean' },
}

const Information: Type = {
  required: {
    ...strings('platform_name', 'platform_version', 'api_version'),
    status: { enum: ['NORMAL', 'WARNING', 'ERROR', 'UNKNOWN'] },
    not_implemented: { array: 'string' },
    logo_uri: 'uri',
    auth_modes: { array: { enum: ['Basic', 'Bearer'] } },
  },
  optional: {
    services: { map: 'string' },
    regions: { array: 'string' },
    storage_classes: { array: 'string' },
    iam: 'boolean',
    tenant_s3_domain_enabled: 'boolean',
  },
}

const names = { array: 'string' } as const
const Exclusion: Type = {
  required: {},
  optional: { all: 'boolean', by_params: names, by_headers: names, by_payload: names },
}

const Bucket: Type = { required: { ...strings('name', 'user_id'), creation_date: 'date-time' } }

export const MODELS = {
  Tenant,
  User,
  Credential,
  Information,
  TenantPage: pageOf(Tenant),
  UserPage: pageOf(User),
  CredentialPage: pageOf(Credential),
  BucketPage: pageOf(Bucket),
  Capabilities: { required: { exclusions: { map: Exclusion } } },
  Usage: {
    required: integers('bucket_count', 'object_count', 'total_bytes', 'available_bytes', 'used_bytes'),
  },
  AnonymousUser: { required: strings('id', 'name') },
  AccessToken: { required: strings('access_token') },
  TokenPair: { required: strings('access_token', 'refresh_token') },
  Error: { required: strings('code', 'message') },
  Text: 'bare text',
} as const satisfies Readonly<Record<string, Type>>

const SIMPLE: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isSafeInteger,
  'date-time': (value) =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
  uri: (value) => typeof value === 'string' && URL.canParse(value),
  'bare text': (value) => typeof value === 'string' && value !== '',
}

/** Why a value is not of a type; undefined when it is. */
export function mismatchOf(type: Type, value: unknown, path = 'the body'): string | undefined {
  if (typeof type === 'string')
    return SIMPLE[type]?.(value) ? undefined : `${path} is no ${type}: ${JSON.stringify(value)}`
  if ('enum' in type)
    return type.enum.includes(value as string) ? undefined : `${path} is none of ${type.enum.join(', ')}`
  if ('array' in type) {
    if (!Array.isArray(value)) return `${path} is no array`
    return firstOf(value.map((item, index) => mismatchOf(type.array, item, `${path}[${index}]`)))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${path} is no object`
  if ('map' in type)
    return firstOf(Object.entries(value).map(([name, one]) => mismatchOf(type.map, one, `${path}.${name}`)))
  return mismatchOfMembers(type, value, path)
}

function mismatchOfMembers(
  { required, optional = {}, nullable = {} }: Extract<Type, { required: Members }>,
  value: object,
  path: string,
): string | undefined {
  const member = (name: string): unknown => (value as Record<string, unknown>)[name]
  const check = (members: Members, passes: (one: unknown) => boolean): (string | undefined)[] =>
    Object.entries(members).map(([name, type]) =>
      passes(member(name)) ? undefined : mismatchOf(type, member(name), `${path}.${name}`),
    )
  return firstOf([
    ...check(required, () => false),
    ...check(optional, (one) => one === undefined),
    ...check(nullable, (one) => one === undefined || one === null),
  ])
}

function firstOf(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined)
}
