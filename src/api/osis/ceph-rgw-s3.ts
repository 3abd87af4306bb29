import type { OsisS3Capabilities } from './platform-schemas.ts'

type Exclusions = OsisS3Capabilities['exclusions']

/**
 * What the S3 service of Ceph RGW does not do, found out call by call on radosgw 16.2.15 with the settings it comes with
 * (`test/ceph/capabilities.ceph.ts`, which fails when this is not true of the gateway that it runs on). Not supported is
 * also what the gateway takes without doing it. Other releases and settings differ: 17 knows encryption with keys of its
 * own, 20 bucket logging, `rgw enable static website` switches websites on; for those there is
 * `USHER_OSIS_S3_CAPABILITIES`.
 */
export const CEPH_RGW_EXCLUSIONS: Exclusions = {
  ...whole(['get', 'put'], ['bucket_accelerate', 'bucket_accelerate_configuration', 'bucket_logging']),
  ...whole(
    ['get', 'put', 'delete'],
    ['bucket_encryption', 'bucket_ownership_controls', 'bucket_replication', 'bucket_website'],
  ),
  // The gateway takes their reads for a list of the bucket's objects, and their writes for making a bucket.
  ...whole(
    ['list', 'get', 'put', 'delete'],
    [
      'bucket_analytics_configuration',
      'bucket_intelligent_tiering_configuration',
      'bucket_inventory_configuration',
      'bucket_metrics_configuration',
    ],
  ),
  get_object_attributes: { all: true },
  get_object_torrent: { all: true },
  restore_object: { all: true },
  // Its queries say `from stdin`; those of S3, `from S3Object`, end in a failure.
  select_object_content: { all: true },
  ...partly(),
}

function whole(verbs: readonly string[], names: readonly string[]): Exclusions {
  const calls = names.flatMap((name) => verbs.map((verb) => `${verb}_${name}`))
  return Object.fromEntries(calls.map((call) => [call, { all: true }]))
}

/** Headers, parameters and members that are refused, or taken without effect. */
function partly(): Exclusions {
  const sse = 'x-amz-server-side-encryption'
  const gatewayKeys = [sse, `${sse}-aws-kms-key-id`, `${sse}-context`]
  const customerKeys = [`${sse}-customer-algorithm`, `${sse}-customer-key`, `${sse}-customer-key-MD5`]
  const lock = [
    'x-amz-object-lock-mode',
    'x-amz-object-lock-retain-until-date',
    'x-amz-object-lock-legal-hold',
  ]
  const payer = 'x-amz-request-payer'
  const digest = 'Content-MD5'
  // No account has an e-mail address on the gateway.
  const acl = { by_headers: [digest], by_payload: ['emailAddress'] }
  return {
    copy_object: {
      by_headers: [
        'x-amz-tagging',
        'x-amz-tagging-directive',
        'x-amz-copy-source-if-match',
        'x-amz-copy-source-if-none-match',
        'x-amz-copy-source-if-modified-since',
        'x-amz-copy-source-if-unmodified-since',
        ...lock,
        ...gatewayKeys,
        ...customerKeys,
        payer,
      ],
    },
    create_multipart_upload: { by_headers: ['x-amz-tagging', ...lock, ...gatewayKeys, payer] },
    get_object: { by_params: ['partNumber'] },
    put_bucket_acl: acl,
    put_bucket_versioning: { by_headers: [digest] },
    put_object: { by_headers: [...gatewayKeys, payer] },
    put_object_acl: acl,
    put_object_legal_hold: { by_headers: [digest] },
    put_object_lock_configuration: { by_headers: [digest, payer] },
    put_object_retention: { by_headers: [digest] },
  }
}
