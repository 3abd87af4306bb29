import { Type } from 'typebox'
import type { ApiDocument } from '../openapi.ts'

export const document: ApiDocument = {
  info: {
    title: 'Usher: tokens',
    version: 'v2.0',
    description: 'Access tokens for the partner-portal API, by client credentials (RFC 6749 section 4.4).',
  },
  tags: [{ name: 'Tokens' }],
  components: {
    securitySchemes: { basic: { type: 'http', scheme: 'basic', description: 'Client id and secret.' } },
  },
}

const TokenForm = Type.Object({
  grant_type: Type.String({ enum: ['client_credentials'] }),
  client_id: Type.Optional(Type.String({ description: 'Here, or as the user name of Basic.' })),
  client_secret: Type.Optional(Type.String({ description: 'Here, or as the password of Basic.' })),
  scope: Type.Optional(
    Type.String({
      pattern: '/\\.default$',
      description: 'Anything that ends in /.default: all that the client may do.',
    }),
  ),
})

const Token = Type.Object(
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

export const tokenSchema = {
  operationId: 'IssueToken',
  tags: ['Tokens'],
  summary: 'Get an access token',
  consumes: ['application/x-www-form-urlencoded'],
  security: [{}, { basic: [] }],
  body: TokenForm,
  response: {
    200: Token,
    400: TokenError,
    401: TokenError,
    413: TokenError,
    415: TokenError,
    500: TokenError,
    503: TokenError,
  },
}

/** The schema of a discovery document. */
export const discovery = (operationId: string, summary: string) => ({
  operationId,
  tags: ['Tokens'],
  summary,
  response: { 200: Type.Object({}, { additionalProperties: true, description: 'The document' }) },
})
