import type { FastifyInstance } from 'fastify'
import { DirectoryError } from '../../model/error.ts'
import type { PlatformView } from '../../provisioning/platform-view.ts'
import { getContext } from '../request.ts'
import { NotImplementedError } from './errors.ts'
import { toPageRequest, toWirePage } from './paging.ts'
import {
  AnonymousUser,
  BucketPage,
  BucketQuery,
  ConsoleQuery,
  OsisS3Capabilities,
  OsisUsage,
  UsageQuery,
} from './platform-schemas.ts'
import { failures, notImplemented } from './schemas.ts'
import type { OsisSettings } from './settings.ts'

const tags = ['Platform']

export function registerPlatform(
  app: FastifyInstance,
  platform: PlatformView,
  settings: Pick<OsisSettings, 's3Capabilities' | 'consoleUrl'>,
): void {
  registerCapabilities(app, settings)
  registerUsage(app, platform)
  registerBuckets(app, platform)
  registerConstants(app, platform)
  registerConsole(app, settings)
}

function registerCapabilities(
  app: FastifyInstance,
  { s3Capabilities }: Pick<OsisSettings, 's3Capabilities'>,
): void {
  app.get(
    '/v1/s3capabilities',
    {
      config: { operation: 'GetS3Capabilities' },
      schema: {
        operationId: 'getS3Capabilities',
        tags,
        summary: 'Get what the S3 service does not support',
        response: { 200: { ...OsisS3Capabilities, description: 'The exclusions' }, ...failures },
      },
    },
    async () => s3Capabilities,
  )
}

/** Stands for a figure that nobody knows; a client of this API expects numbers. */
const UNKNOWN = -1

function registerUsage(app: FastifyInstance, platform: PlatformView): void {
  app.get<{ Querystring: UsageQuery }>(
    '/v1/usage',
    {
      attachValidation: true,
      config: { operation: 'GetUsage' },
      schema: {
        operationId: 'getUsage',
        tags,
        summary: 'Get the usage of the platform, of a tenant or of a user',
        description: '`user_id` goes with `tenant_id`.',
        querystring: UsageQuery,
        response: { 200: { ...OsisUsage, description: 'The usage, in bytes' }, ...failures },
      },
    },
    async (request): Promise<OsisUsage> => {
      const ctx = getContext(request)
      const { tenant_id: tenantId, user_id: userId } = request.query
      if (tenantId === undefined && userId !== undefined) throw tenantRequired()
      const usage = await platform.readUsage(ctx, { tenantId, userId })
      const { quotaBytes, usedBytes } = usage
      return {
        bucket_count: usage.bucketCount,
        object_count: usage.objectCount,
        total_bytes: quotaBytes ?? UNKNOWN,
        available_bytes: quotaBytes === null ? UNKNOWN : Math.max(0, quotaBytes - usedBytes),
        used_bytes: usedBytes,
      }
    },
  )
}

function tenantRequired(): DirectoryError {
  const message = 'is required with user_id'
  return new DirectoryError('invalid', `tenant_id ${message}`, {
    issues: [{ path: 'tenant_id', rule: 'required', message }],
  })
}

function registerBuckets(app: FastifyInstance, platform: PlatformView): void {
  app.get<{ Querystring: BucketQuery }>(
    '/v1/bucket-list',
    {
      attachValidation: true,
      config: { operation: 'ListBuckets' },
      schema: {
        operationId: 'getBucketList',
        tags,
        summary: 'List the buckets of a tenant',
        description: 'An unknown tenant has an empty page.',
        querystring: BucketQuery,
        response: { 200: { ...BucketPage, description: 'A page of buckets, by name' }, ...failures },
      },
    },
    async (request) => {
      const page = toPageRequest(request.query)
      const buckets = await platform.listBuckets(getContext(request), request.query.tenant_id, page)
      return toWirePage(buckets, page, ({ name, createdAt, owner }) => ({
        name,
        creation_date: createdAt,
        user_id: owner,
      }))
    },
  )
}

function registerConstants(app: FastifyInstance, platform: PlatformView): void {
  app.get(
    '/v1/anonymous-user',
    {
      config: { operation: 'GetAnonymousUser' },
      schema: {
        operationId: 'getAnonymousUser',
        tags,
        summary: 'Get the user that stands for unauthenticated access',
        response: { 200: { ...AnonymousUser, description: 'The anonymous user' }, ...failures },
      },
    },
    async () => platform.main.anonymousUser,
  )

  app.get(
    '/v1/bucket-logging-id',
    {
      schema: {
        operationId: 'getBucketLoggingId',
        tags,
        summary: 'Get the principal that writes bucket logs: not implemented, no platform has one',
        response: { ...failures, 501: notImplemented },
      },
    },
    async () => {
      throw new NotImplementedError('getBucketLoggingId')
    },
  )
}

function registerConsole(app: FastifyInstance, { consoleUrl }: Pick<OsisSettings, 'consoleUrl'>): void {
  app.get<{ Querystring: ConsoleQuery }>(
    '/v1/console',
    {
      attachValidation: true,
      config: { operation: 'GetConsole' },
      schema: {
        operationId: 'getConsole',
        tags,
        summary: "Get the address of the platform's own web console",
        description: 'The bare address, without quotes. 501 where none is configured.',
        querystring: ConsoleQuery,
        response: {
          200: { description: 'The address', content: { 'application/json': { schema: {} } } },
          ...failures,
          501: notImplemented,
        },
      },
    },
    async (request, reply) => {
      getContext(request)
      if (consoleUrl === null) throw new NotImplementedError('getConsole')
      const { tenant_id = '', lang = '' } = request.query
      const url = consoleUrl
        .replaceAll('{tenant_id}', encodeURIComponent(tenant_id))
        .replaceAll('{lang}', encodeURIComponent(lang))
      // Not JSON, but what Object Storage Extension has always been given (section 6.12).
      reply.type('application/json')
      return reply.serializer(String).send(url)
    },
  )
}
