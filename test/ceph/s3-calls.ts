import {
  ACCELERATE,
  ANALYTICS,
  BLOCK,
  CORS,
  ENCRYPTION,
  HOLD,
  INVENTORY,
  LIFECYCLE,
  LOCK,
  LOGGING,
  METRICS,
  OWNERSHIP,
  PAYMENT,
  POLICY,
  PUBLIC_GRANT,
  REPLICATION,
  RESTORE,
  retention,
  SELECT,
  TAGS,
  TIERING,
  TOPIC,
  VERSIONING,
  WEBSITE,
} from './s3-documents.ts'
import type { Probe } from './s3-probe.ts'

/** Finds out about one S3 call. */
export type Work = (probe: Probe) => Promise<unknown>

/** What a call needs in place of a plain bucket. */
export const LOCKED = { 'x-amz-bucket-object-lock-enabled': 'true' }

const plain =
  (work: Work): Work =>
  async (probe) => {
    await probe.setUp()
    await work(probe)
  }

const locked =
  (work: Work): Work =>
  async (probe) => {
    await probe.setUp(LOCKED)
    await work(probe)
  }

/** The probes of a document that is put, read back and removed again at a bucket or object. */
function stored(
  at: 'bucket' | 'object',
  resource: string,
  body: string,
  mark: RegExp,
): Record<'get' | 'put' | 'delete', Work> {
  const path = (probe: Probe): string => `${at === 'bucket' ? `/${probe.bucket}` : probe.object}?${resource}`
  const put = plain(async (probe) => {
    await probe.known(`GET ${path(probe)}`)
    await probe.ask(`PUT ${path(probe)}`, /^2/, { body })
    await probe.ask(`GET ${path(probe)}`, mark)
  })
  const remove = plain(async (probe) => {
    await probe.known(`GET ${path(probe)}`)
    await probe.ask(`PUT ${path(probe)}`, /^2/, { body })
    await probe.ask(`DELETE ${path(probe)}`)
    await probe.must(`HEAD ${probe.object}`)
    await probe.ask(`GET ${path(probe)}`, new RegExp(`^(?![\\s\\S]*${mark.source})`))
  })
  return { get: put, put, delete: remove }
}

/** The names of the probes of one document: `{ tagging: … }` as `get_bucket_tagging`, … */
function named(probes: Record<string, Work>, name: string, verbs: readonly string[]): [string, Work][] {
  return verbs.map((verb) => [`${verb}_${name}`, probes[verb] ?? probes.get ?? fail(verb)])
}

function fail(verb: string): never {
  throw new Error(`there is no probe for ${verb}`)
}

const ALL = ['get', 'put', 'delete']
const BOTH = ['get', 'put']

const lifecycle = stored('bucket', 'lifecycle', LIFECYCLE, /<ID>tidy/)
const accelerate = stored('bucket', 'accelerate', ACCELERATE, /<AccelerateConfiguration[\s\S]*Enabled/)
const listed = (resource: string, root: string): Work =>
  plain((probe) => probe.ask(`GET /${probe.bucket}?${resource}`, new RegExp(`<${root}`)))

/** The documents that are kept at buckets and objects. Some calls have two names, an older and a newer one. */
const DOCUMENTS: readonly [string, Work][] = [
  ...named(lifecycle, 'bucket_lifecycle', ALL),
  ...named(lifecycle, 'bucket_lifecycle_configuration', ALL),
  ...named(stored('bucket', 'tagging', TAGS, /<Value>green/), 'bucket_tagging', ALL),
  ...named(stored('object', 'tagging', TAGS, /<Value>green/), 'object_tagging', ALL),
  ...named(stored('bucket', 'website', WEBSITE, /start\.html/), 'bucket_website', ALL),
  ...named(stored('bucket', 'cors', CORS, /a\.example/), 'bucket_cors', ALL),
  ...named(stored('bucket', 'encryption', ENCRYPTION, /<SSEAlgorithm/), 'bucket_encryption', ALL),
  ...named(
    stored('bucket', 'publicAccessBlock', BLOCK, /<BlockPublicAcls>true/i),
    'public_access_block',
    ALL,
  ),
  ...named(stored('bucket', 'policy', POLICY, /"probe"/), 'bucket_policy', ALL),
  ...named(
    stored('bucket', 'replication', REPLICATION, /<ReplicationConfiguration[\s\S]*<ID>copy/),
    'bucket_replication',
    ALL,
  ),
  ...named(
    stored('bucket', 'ownershipControls', OWNERSHIP, /<OwnershipControls/),
    'bucket_ownership_controls',
    ALL,
  ),
  ...named(accelerate, 'bucket_accelerate', BOTH),
  ...named(accelerate, 'bucket_accelerate_configuration', BOTH),
  ...named(stored('bucket', 'requestPayment', PAYMENT, /<Payer>Requester/), 'bucket_request_payment', BOTH),
  ...named(stored('bucket', 'logging', LOGGING, /<BucketLoggingStatus[\s\S]*log\//), 'bucket_logging', BOTH),
  ...named(
    stored('bucket', 'metrics&id=one', METRICS, /<MetricsConfiguration/),
    'bucket_metrics_configuration',
    ALL,
  ),
  ...named(
    stored('bucket', 'analytics&id=one', ANALYTICS, /<AnalyticsConfiguration/),
    'bucket_analytics_configuration',
    ALL,
  ),
  ...named(
    stored('bucket', 'inventory&id=one', INVENTORY, /<InventoryConfiguration/),
    'bucket_inventory_configuration',
    ALL,
  ),
  ...named(
    stored('bucket', 'intelligent-tiering&id=one', TIERING, /<IntelligentTieringConfiguration/),
    'bucket_intelligent_tiering_configuration',
    ALL,
  ),
  ['list_bucket_metrics_configuration', listed('metrics', 'ListMetricsConfigurationsResult')],
  ['list_bucket_analytics_configuration', listed('analytics', 'ListBucketAnalyticsConfigurationsResult')],
  ['list_bucket_inventory_configuration', listed('inventory', 'ListInventoryConfigurationsResult')],
  [
    'list_bucket_intelligent_tiering_configuration',
    listed('intelligent-tiering', 'ListBucketIntelligentTiering'),
  ],
  ['get_bucket_policy_status', listed('policyStatus', 'PolicyStatus')],
  ['get_bucket_location', listed('location', 'LocationConstraint')],
  ['get_bucket_notification', listed('notification', 'NotificationConfiguration')],
  [
    'put_bucket_notification',
    plain((probe) =>
      probe.ask(`PUT /${probe.bucket}?notification`, /^(2|4\d\d[\s\S]*(NoSuchKey|NoSuchTopic))/, {
        body: TOPIC,
      }),
    ),
  ],
]

const enableVersioning: Work = async (probe) => {
  await probe.ask(`PUT /${probe.bucket}?versioning`, /^2/, { body: VERSIONING })
  await probe.ask(`GET /${probe.bucket}?versioning`, /<Status>Enabled/)
}

const hold: Work = async (probe) => {
  await probe.ask(`PUT ${probe.object}?legal-hold`, /^2/, { body: HOLD })
  await probe.ask(`GET ${probe.object}?legal-hold`, /<Status>OFF/)
}

const retain: Work = async (probe) => {
  await probe.ask(`PUT ${probe.object}?retention`, /^2/, { body: retention() })
  await probe.ask(`GET ${probe.object}?retention`, /<Mode>GOVERNANCE/)
  await probe.must(`DELETE ${probe.object}`)
}

const lock: Work = async (probe) => {
  await probe.ask(`PUT /${probe.bucket}?object-lock`, /^2/, { body: LOCK })
  await probe.ask(`GET /${probe.bucket}?object-lock`, /<Days>1/)
}

const LOCKS: readonly [string, Work][] = [
  ['get_bucket_versioning', plain(enableVersioning)],
  ['put_bucket_versioning', plain(enableVersioning)],
  ['get_object_lock_configuration', locked(lock)],
  ['put_object_lock_configuration', locked(lock)],
  ['get_object_legal_hold', locked(hold)],
  ['put_object_legal_hold', locked(hold)],
  ['get_object_retention', locked(retain)],
  ['put_object_retention', locked(retain)],
]

const acl =
  (at: (probe: Probe) => string): Work =>
  async (probe) => {
    const response = await probe.must(`GET ${at(probe)}?acl`)
    const body = response.text.replace('</AccessControlList>', `${PUBLIC_GRANT}</AccessControlList>`)
    await probe.ask(`PUT ${at(probe)}?acl`, /^2/, { body })
    await probe.ask(`GET ${at(probe)}?acl`, /AllUsers/)
  }

const bucketAcl = plain(acl((probe) => `/${probe.bucket}`))
const objectAcl = plain(acl((probe) => probe.object))

/** Begins a multipart upload. Returns its id. */
export async function beginUpload(
  probe: Probe,
  headers: Readonly<Record<string, string>> = {},
  refusal?: RegExp,
): Promise<string> {
  const { text } = await probe.ask(`POST ${probe.object}?uploads`, /<UploadId>/, {
    headers,
    ...(refusal && { refusal }),
  })
  return /<UploadId>([^<]+)/.exec(text)?.[1] ?? ''
}

/** Ends an upload of the one part that is given. */
export function completeUpload(probe: Probe, id: string, etag: string): Promise<unknown> {
  const body =
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>' +
    `<ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
  return probe.ask(`POST ${probe.object}?uploadId=${id}`, /<CompleteMultipartUploadResult/, { body })
}

const uploadPart = async (probe: Probe, id: string): Promise<string> => {
  const { headers } = await probe.ask(`PUT ${probe.object}?partNumber=1&uploadId=${id}`, /^2/, {
    body: 'part',
  })
  return headers.etag ?? ''
}

const wholeUpload: Work = async (probe) => {
  const id = await beginUpload(probe)
  await completeUpload(probe, id, await uploadPart(probe, id))
  await probe.ask(`GET ${probe.object}`, /part$/)
}

const abortedUpload: Work = async (probe) => {
  const id = await beginUpload(probe)
  await uploadPart(probe, id)
  await probe.ask(`GET /${probe.bucket}?uploads`, new RegExp(id))
  await probe.ask(`GET ${probe.object}?uploadId=${id}`, /<PartNumber>1</)
  await probe.ask(`DELETE ${probe.object}?uploadId=${id}`)
  await probe.ask(`GET /${probe.bucket}?uploads`, new RegExp(`^(?![\\s\\S]*${id})`))
}

const copiedPart: Work = async (probe) => {
  const id = await beginUpload(probe)
  const headers = { 'x-amz-copy-source': probe.object }
  const part = `${probe.object}?partNumber=1&uploadId=${id}`
  const { text } = await probe.ask(`PUT ${part}`, /<CopyPartResult/, { headers })
  await completeUpload(probe, id, /<ETag>([^<]+)/.exec(text)?.[1] ?? '')
  await probe.ask(`GET ${probe.object}`, /hello$/)
}

const deleteMany: Work = async (probe) => {
  const body = '<Delete><Object><Key>object</Key></Object></Delete>'
  await probe.ask(`POST /${probe.bucket}?delete`, /<Deleted>/, { body })
  await probe.ask(`GET /${probe.bucket}`, /^(?![\s\S]*<Key>)/)
}

const copy: Work = async (probe) => {
  const headers = { 'x-amz-copy-source': probe.object }
  await probe.ask(`PUT /${probe.bucket}/copy`, /<CopyObjectResult/, { headers })
  await probe.ask(`GET /${probe.bucket}/copy`, /hello$/)
}

const versions: Work = async (probe) => {
  await enableVersioning(probe)
  await probe.must(`PUT ${probe.object}`, { body: 'second' })
  await probe.ask(`GET /${probe.bucket}?versions`, /(<Version>[\s\S]*){2}/)
}

const get =
  (path: (probe: Probe) => string, mark: RegExp): Work =>
  (probe) =>
    probe.ask(path(probe), mark)

const OBJECTS: readonly [string, Work][] = [
  ['list_buckets', plain((probe) => probe.ask('GET /', new RegExp(probe.bucket)))],
  ['create_bucket', plain(get((probe) => `HEAD /${probe.bucket}`, /^200/))],
  ['head_bucket', plain(get((probe) => `HEAD /${probe.bucket}`, /^200/))],
  [
    'delete_bucket',
    plain(async (probe) => {
      await probe.must(`DELETE ${probe.object}`)
      await probe.ask(`DELETE /${probe.bucket}`, /^204/)
      await probe.ask(`HEAD /${probe.bucket}`, /^404/)
    }),
  ],
  ['list_objects', plain(get((probe) => `GET /${probe.bucket}?prefix=obj`, /<Key>object/))],
  ['list_objectsV2', plain(get((probe) => `GET /${probe.bucket}?list-type=2`, /<KeyCount>1/))],
  ['list_object_versions', plain(versions)],
  ['put_object', plain(get((probe) => `GET ${probe.object}`, /hello$/))],
  ['get_object', plain(get((probe) => `GET ${probe.object}`, /hello$/))],
  ['head_object', plain(get((probe) => `HEAD ${probe.object}`, /content-length: 5/))],
  ['copy_object', plain(copy)],
  [
    'delete_object',
    plain(async (probe) => {
      await probe.ask(`DELETE ${probe.object}`, /^204/)
      await probe.ask(`HEAD ${probe.object}`, /^404/)
    }),
  ],
  ['delete_objects', plain(deleteMany)],
  ['get_bucket_acl', bucketAcl],
  ['put_bucket_acl', bucketAcl],
  ['get_object_acl', objectAcl],
  ['put_object_acl', objectAcl],
  ['create_multipart_upload', plain(wholeUpload)],
  ['upload_part', plain(wholeUpload)],
  ['complete_multipart_upload', plain(wholeUpload)],
  ['abort_multipart_upload', plain(abortedUpload)],
  ['list_multipart_uploads', plain(abortedUpload)],
  ['list_parts', plain(abortedUpload)],
  ['upload_part_copy', plain(copiedPart)],
  // The response to another call, such as the object itself, does not count.
  ['get_object_torrent', plain(get((probe) => `GET ${probe.object}?torrent`, /d8:announce/))],
  [
    'get_object_attributes',
    plain((probe) =>
      probe.ask(`GET ${probe.object}?attributes`, /<GetObjectAttributes/, {
        headers: { 'x-amz-object-attributes': 'ObjectSize' },
      }),
    ),
  ],
  // AWS returns InvalidObjectState if there is nothing to restore.
  [
    'restore_object',
    plain((probe) =>
      probe.ask(`POST ${probe.object}?restore`, /^(202|403[\s\S]*InvalidObjectState)/, {
        body: RESTORE,
        refusal: /not multipart\/form-data/,
      }),
    ),
  ],
]

/** A probe for every S3 call, by its name in section 6.2 of the contract. */
export const CALLS: ReadonlyMap<string, Work> = new Map([...DOCUMENTS, ...LOCKS, ...OBJECTS])

/**
 * Probes S3 Select. On 16.2 every query, also one in the gateway's own syntax, breaks its JSON parser: the next write of a
 * user through the Admin API is refused or ends the gateway. The gateway must be restarted afterwards.
 */
export const SELECT_QUERY: Work = plain((probe) =>
  probe.ask(`POST ${probe.object}?select&select-type=2`, /\nhello|>hello/, { body: SELECT }),
)
