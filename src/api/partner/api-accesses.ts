import type { Static } from 'typebox'
import { createClient, deleteClient, getClient, listClients, rotateClient } from '../../directory/clients.ts'
import type { Directory } from '../../directory/directory.ts'
import { findLastEnd } from '../../directory/secret-overlap.ts'
import { Type } from '../../json-schema.ts'
import type { Client } from '../../model/clients.ts'
import { PERMISSIONS, type Permission } from '../../model/context.ts'
import { foldOptionalId } from '../../model/ids.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { type Route, route } from '../route.ts'
import { ROLE_NAMES } from './names.ts'
import { PageOf, pageQuery, toEnvelope, toPageRequest } from './paging.ts'
import { newRotationModel, toPreviousUntil } from './rotation.ts'
import {
  failures,
  Headers,
  locationHeader,
  NoBody,
  nullable,
  Responds,
  uuid,
  WriteHeaders,
} from './schemas.ts'

const ID = '01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2d'
const ORGANIZATION = '01932d3e-0b7e-7f52-8a4e-5a1d3a9c7e10'

const NewApiAccess = Type.Object(
  {
    name: Type.String({
      format: 'text',
      minLength: 1,
      maxLength: MAX_TEXT,
      description: 'The name that lists show.',
    }),
    permission: Type.Unsafe<Exclude<Permission, 'osis'>>({
      type: 'string',
      enum: ['administrator', 'viewer'],
      description: 'What the program may do in the context of its organization.',
    }),
    organizationId: Type.Optional(
      uuid(
        'The organization that the program acts for: the provider, a reseller or a customer. That of the context ' +
          'when absent; a reseller may name no other one.',
      ),
    ),
  },
  { title: 'NewApiAccess', examples: [{ name: 'Billing', permission: 'administrator' }] },
)

const ApiAccess = Type.Object(
  {
    id: uuid('The id of the API access: the `client_id` of token requests.'),
    name: Type.String({ description: 'The name.' }),
    permission: Type.Unsafe<Permission>({
      type: 'string',
      enum: [...PERMISSIONS],
      description: 'What the program may do. Those with `osis` speak the OSIS API.',
    }),
    role: Type.Object({
      name: Type.Unsafe<string>({
        type: 'string',
        enum: Object.values(ROLE_NAMES),
        description: 'The kind of organization that the program acts for.',
      }),
    }),
    organizationId: uuid('The organization that the program acts for.'),
    organizationName: Type.String({ description: 'Its name.' }),
    externalIssuer: nullable('The external issuer of its tokens; null for a program with a secret.'),
    createdAt: Type.String({ format: 'date-time', description: 'When the API access was made.' }),
    secretCreatedAt: nullable('When the secret was made; null without one.', 'date-time'),
    oldSecretValidUntil: nullable(
      'Until when a former secret is accepted; null if none is accepted.',
      'date-time',
    ),
    lastUsedAt: nullable(
      'When the program called last, to about five minutes; null if it never did.',
      'date-time',
    ),
  },
  {
    title: 'ApiAccess',
    examples: [
      {
        id: ID,
        name: 'Billing',
        permission: 'administrator',
        role: { name: 'reseller' },
        organizationId: ORGANIZATION,
        organizationName: 'A reseller',
        externalIssuer: null,
        createdAt: '2026-11-22T08:00:00.000Z',
        secretCreatedAt: '2026-11-22T08:00:00.000Z',
        oldSecretValidUntil: null,
        lastUsedAt: '2026-11-22T09:05:00.000Z',
      },
    ],
  },
)

const clientSecret = Type.String({
  description: 'The `client_secret` of token requests. It is shown only here.',
})
const SECRET = 'x'.repeat(43)

const IssuedApiAccess = Type.Object(
  { id: uuid('The id of the API access: the `client_id` of token requests.'), clientSecret },
  { title: 'IssuedApiAccess', examples: [{ id: ID, clientSecret: SECRET }] },
)

const Rotation = newRotationModel(
  'Rotation',
  'Until when the former secret is accepted, at most 90 days from now; the secrets before it end then too. In 24 hours ' +
    'when absent: then the secrets before it keep their times. Null ends all of them within 5 seconds.',
)

const RotatedApiAccess = Type.Object(
  {
    ...IssuedApiAccess.properties,
    oldSecretValidUntil: nullable(
      'Until when the former secret is accepted; null if it has ended.',
      'date-time',
    ),
  },
  {
    title: 'RotatedApiAccess',
    examples: [{ id: ID, clientSecret: SECRET, oldSecretValidUntil: '2026-11-23T08:00:00.000Z' }],
  },
)

const IdParams = Type.Object({ id: uuid('The id of the API access.') })
const tags = ['API accesses']
const subject = { target: 'id' } as const

/** The routes of API accesses, which the documents of the partner portal do not have: there, people use the portal. */
export const apiAccessRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'ListClients',
    method: 'GET',
    url: '/api-accesses',
    document: {
      operationId: 'ListApiAccesses',
      tags,
      ours: true,
      summary: 'List API accesses',
      description:
        'Ours. Lists the API accesses in the context, oldest first: for a provider, also those of its resellers and ' +
        'customers; for a reseller, its own.',
    },
    schemas: {
      headers: Headers,
      querystring: Type.Object({
        ...pageQuery,
        organizationId: Type.Optional(uuid('Only the API accesses of this organization.')),
      }),
    },
    responses: { 200: Responds(PageOf(ApiAccess), 'OK'), ...failures },
    async handle({ ctx, query }, dir) {
      const organizationId = foldOptionalId(query.organizationId)
      const page = await listClients(dir, ctx, { organizationId, page: toPageRequest(query) })
      return { status: 200, body: toEnvelope(page, query, (client) => toView(client, dir.now())) }
    },
  }),

  route({
    operation: 'CreateClient',
    method: 'POST',
    url: '/api-accesses',
    document: {
      operationId: 'CreateApiAccess',
      tags,
      ours: true,
      summary: 'Create an API access',
      description:
        'Ours. Creates an id and a secret for a program. The secret is shown only here. Programs of external issuers, ' +
        'and those of Cloud Director, are added at the command line.',
    },
    schemas: { headers: WriteHeaders, body: NewApiAccess },
    responses: { 201: Responds(IssuedApiAccess, 'Created', locationHeader), ...failures },
    async handle({ ctx, body }, dir) {
      const { name, permission } = body
      const organizationId = foldOptionalId(body.organizationId) ?? ctx.organization.id
      const { id, secret } = await createClient(dir, ctx, { organizationId, name, permission })
      const headers = { location: `/v1/api-accesses/${id}` }
      return { status: 201, headers, body: { id, clientSecret: secret ?? '' } }
    },
  }),

  route({
    operation: 'GetClient',
    subject,
    method: 'GET',
    url: '/api-accesses/:id',
    document: {
      operationId: 'GetApiAccess',
      tags,
      ours: true,
      summary: 'Get an API access',
      description: 'Ours. Returns an API access, without its secret.',
    },
    schemas: { headers: Headers, params: IdParams },
    responses: { 200: Responds(ApiAccess, 'OK'), ...failures },
    async handle({ ctx, params }, dir) {
      return { status: 200, body: toView(await getClient(dir, ctx, params.id), dir.now()) }
    },
  }),

  route({
    operation: 'RotateClient',
    subject,
    method: 'POST',
    url: '/api-accesses/:id/rotate',
    document: {
      operationId: 'RotateApiAccess',
      tags,
      ours: true,
      summary: 'Rotate the secret of an API access',
      description:
        'Ours. Replaces the secret. The former one is accepted for some time, so that the program can be given the new ' +
        'one without an interruption. Access tokens end with the secret that they were issued for.',
    },
    schemas: { headers: WriteHeaders, params: IdParams, body: Rotation },
    responses: { 200: Responds(RotatedApiAccess, 'OK'), ...failures },
    async handle({ ctx, params, body }, dir) {
      const rotation = { id: params.id, previousUntil: toPreviousUntil(body) }
      const { id, secret, previousUntil } = await rotateClient(dir, ctx, rotation)
      return { status: 200, body: { id, clientSecret: secret, oldSecretValidUntil: previousUntil } }
    },
  }),

  route({
    operation: 'DeleteClient',
    subject,
    method: 'DELETE',
    url: '/api-accesses/:id',
    document: {
      operationId: 'RevokeApiAccess',
      tags,
      ours: true,
      summary: 'Revoke an API access',
      description: 'Ours. Ends its secrets and its access tokens within 5 seconds.',
    },
    schemas: { headers: Headers, params: IdParams },
    responses: { 204: NoBody('No Content'), ...failures },
    async handle({ ctx, params }, dir) {
      await deleteClient(dir, ctx, params.id)
      return { status: 204 }
    },
  }),
]

function toView(client: Client, now: Date): Static<typeof ApiAccess> {
  const { id, name, permission, organization, external, createdAt, secretAt, lastUsedAt } = client
  return {
    id,
    name,
    permission,
    role: { name: ROLE_NAMES[organization.kind] },
    organizationId: organization.id,
    organizationName: organization.name,
    externalIssuer: external?.issuer ?? null,
    createdAt,
    secretCreatedAt: secretAt,
    oldSecretValidUntil: findLastEnd(client.previousSecrets, now),
    lastUsedAt,
  }
}
