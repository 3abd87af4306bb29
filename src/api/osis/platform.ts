import { Type } from '../../json-schema.ts'
import { DirectoryError } from '../../model/error.ts'
import type { PlatformView } from '../../provisioning/platform-view.ts'
import { type Route, route } from '../route.ts'
import { NotImplementedError } from './errors.ts'
import { toPageRequest, toWirePage } from './paging.ts'
import {
  AnonymousUser,
  BucketPage,
  BucketQuery,
  ConsoleQuery,
  OsisS3Capabilities,
  OsisUsage,
  type S3Capabilities,
  UsageQuery,
} from './platform-schemas.ts'
import { failures, notImplemented, response } from './schemas.ts'
import type { OsisSettings } from './settings.ts'

/** What the routes about the platform itself need. */
export interface PlatformParts {
  readonly platform: PlatformView
  readonly settings: Pick<OsisSettings, 'consoleUrl'>
  readonly s3Capabilities: S3Capabilities
}

const tags = ['Platform']

/** The routes about the platform itself: its capabilities, its usage and its buckets. */
export const platformRoutes: readonly Route<PlatformParts>[] = [
  route({
    operation: 'GetS3Capabilities',
    method: 'GET',
    url: '/v1/s3capabilities',
    document: {
      operationId: 'getS3Capabilities',
      tags,
      summary: 'Get what the S3 service does not support',
      description: 'Calls of S3, by name, with what exactly is missing.',
    },
    schemas: {},
    responses: { 200: response('The exclusions', OsisS3Capabilities), ...failures },
    handle: (_, { s3Capabilities }) => ({ status: 200, body: s3Capabilities }),
  }),

  route({
    operation: 'GetUsage',
    method: 'GET',
    url: '/v1/usage',
    document: {
      operationId: 'getUsage',
      tags,
      summary: 'Get the usage of the platform, of a tenant or of a user',
      description:
        '`user_id` goes with `tenant_id`. For more than 16 users the figures are up to 15 minutes old. The usage of the ' +
        'platform is that of the users who are managed here.',
    },
    schemas: { querystring: UsageQuery },
    responses: { 200: response('The usage, in bytes', OsisUsage), ...failures },
    async handle({ ctx, query }, { platform }) {
      const { tenant_id: tenantId, user_id: userId } = query
      if (tenantId === undefined && userId !== undefined) throw tenantRequired()
      return { status: 200, body: toOsisUsage(await platform.readUsage(ctx, { tenantId, userId })) }
    },
  }),

  route({
    operation: 'ListBuckets',
    method: 'GET',
    url: '/v1/bucket-list',
    document: {
      operationId: 'getBucketList',
      tags,
      summary: 'List the buckets of a tenant',
      description:
        'An unknown tenant has an empty page. For a tenant with more than 16 users the list is up to 15 minutes old.',
    },
    schemas: { querystring: BucketQuery },
    responses: { 200: response('A page of buckets, by name', BucketPage), ...failures },
    async handle({ ctx, query }, { platform }) {
      const page = toPageRequest(query)
      const buckets = await platform.listBuckets(ctx, query.tenant_id, page)
      const toWire = toWirePage(buckets, page, ({ name, createdAt, owner }) => ({
        name,
        creation_date: createdAt,
        user_id: owner,
      }))
      return { status: 200, body: toWire }
    },
  }),

  route({
    operation: 'GetAnonymousUser',
    method: 'GET',
    url: '/v1/anonymous-user',
    document: {
      operationId: 'getAnonymousUser',
      tags,
      summary: 'Get the user that stands for unauthenticated access',
      description: 'Its id is the grantee of public access.',
    },
    schemas: {},
    responses: { 200: response('The anonymous user', AnonymousUser), ...failures },
    handle: (_, { platform }) => ({ status: 200, body: platform.main.anonymousUser }),
  }),

  route({
    operation: null,
    method: 'GET',
    url: '/v1/bucket-logging-id',
    document: {
      operationId: 'getBucketLoggingId',
      tags,
      summary: 'Get the principal that writes bucket logs: not implemented, no platform has one',
      description: 'Optional in OSIS: `not_implemented` of `getInfo` names it.',
    },
    schemas: {},
    responses: {
      200: Type.String({ description: 'The principal; no platform has one.' }),
      ...failures,
      501: notImplemented,
    },
    handle() {
      throw new NotImplementedError('getBucketLoggingId')
    },
  }),

  route({
    operation: 'GetConsole',
    method: 'GET',
    url: '/v1/console',
    document: {
      operationId: 'getConsole',
      tags,
      summary: "Get the address of the platform's own web console",
      description: 'The bare address, without quotes. 501 where none is configured.',
    },
    schemas: { querystring: ConsoleQuery },
    responses: {
      200: { description: 'The address', content: { 'application/json': { schema: {} } } },
      ...failures,
      501: notImplemented,
    },
    handle({ query }, { settings: { consoleUrl } }) {
      if (consoleUrl === null) throw new NotImplementedError('getConsole')
      const { tenant_id = '', lang = '' } = query
      const text = consoleUrl
        .replaceAll('{tenant_id}', encodeURIComponent(tenant_id))
        .replaceAll('{lang}', encodeURIComponent(lang))
      // Not JSON, but the form that Object Storage Extension reads (section 6.12 of the contract).
      return { status: 200, headers: { 'content-type': 'application/json' }, text }
    },
  }),
]

function tenantRequired(): DirectoryError {
  const message = 'is required with user_id'
  return new DirectoryError('invalid', `tenant_id ${message}`, {
    issues: [{ path: 'tenant_id', rule: 'required', message }],
  })
}

/** Stands for an unknown number, because clients of this API do not expect null. */
const UNKNOWN = -1

function toOsisUsage(usage: Awaited<ReturnType<PlatformView['readUsage']>>) {
  const { bucketCount, objectCount, quotaBytes, usedBytes } = usage
  return {
    bucket_count: bucketCount,
    object_count: objectCount,
    total_bytes: quotaBytes ?? UNKNOWN,
    available_bytes: quotaBytes === null ? UNKNOWN : Math.max(0, quotaBytes - usedBytes),
    used_bytes: usedBytes,
  }
}
