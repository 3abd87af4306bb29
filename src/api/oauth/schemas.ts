import { Type } from '../../json-schema.ts'
import type { ApiDocument } from '../openapi.ts'
import { rateLimitHeaders, retryAfterHeader } from '../retry-after.ts'

/** What the OpenAPI document says in addition to its operations. */
export const document: ApiDocument = {
  info: {
    title: 'Usher: tokens',
    version: 'v2.0',
    description: 'Access tokens for the partner-portal API, by client credentials (RFC 6749 section 4.4).',
  },
  tags: [{ name: 'Tokens', description: 'Getting tokens, and checking them.' }],
  components: {
    securitySchemes: { basic: { type: 'http', scheme: 'basic', description: 'Client id and secret.' } },
  },
}

/** The form in the OpenAPI document. Its type is unknown, because no schema checks the form. */
export const TokenForm = Type.Unsafe<unknown>(
  Type.Object(
    {
      grant_type: Type.String({ enum: ['client_credentials'], examples: ['client_credentials'] }),
      client_id: Type.Optional(Type.String({ description: 'Here, or as the user name of Basic.' })),
      client_secret: Type.Optional(Type.String({ description: 'Here, or as the password of Basic.' })),
      scope: Type.Optional(
        Type.String({
          pattern: '/\\.default$',
          description: 'Anything that ends in /.default: all that the client may do.',
          examples: ['api://usher/.default'],
        }),
      ),
    },
    {
      examples: [
        {
          grant_type: 'client_credentials',
          client_id: '0199f3a0-7c1e-7000-8000-5a1d3c9be2f4',
          client_secret: 'the secret of the client',
          scope: 'api://usher/.default',
        },
      ],
    },
  ),
)

export const Token = Type.Object(
  {
    token_type: Type.String({ enum: ['Bearer'] }),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    ext_expires_in: Type.Integer({ description: 'Seconds.' }),
    access_token: Type.String({ description: 'A JWT.' }),
  },
  { description: 'A token' },
)

const TokenError = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  { description: 'Refused' },
)

export const tokenFailures = {
  400: TokenError,
  401: TokenError,
  413: TokenError,
  415: TokenError,
  429: { ...TokenError, headers: rateLimitHeaders },
  500: TokenError,
  503: { ...TokenError, headers: retryAfterHeader },
} as const

export const DiscoveryDocument = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true, description: 'The document' }),
)
