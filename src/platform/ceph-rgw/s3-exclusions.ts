import type { S3Exclusions } from '../platform.ts'

/**
 * What the S3 service of Ceph RGW does not support. Each call was tried on radosgw 16.2.15 with its default settings;
 * `test/ceph/capabilities.ceph.ts` fails if the gateway under test differs from the list. What the gateway accepts
 * without effect counts as not supported. Other releases and settings differ. Release 17 supports encryption with keys
 * of the gateway. Release 20 supports bucket logging. The setting `rgw enable static website` turns websites on.
 * `USHER_OSIS_S3_CAPABILITIES` replaces this list.
 */
export const CEPH_RGW_EXCLUSIONS: S3Exclusions = {
  ...whole(['get', 'put'], ['bucket_accelerate', 'bucket_accelerate_configuration', 'bucket_logging']),
  ...whole(
    ['get', 'put', 'delete'],
    ['bucket_encryption', 'bucket_ownership_controls', 'bucket_replication', 'bucket_website'],
  ),
  // The gateway does not know these calls: a read returns a list of objects, and a write creates a bucket.
  ...whole(
    ['list', 'get', 'put', 'delete'],
    [
      'bucket_analytics_configuration',
      'bucket_intelligent_tiering_configuration',
      'bucket_inventory_configuration',
      'bucket_metrics_configuration',
    ],
  ),
  get_object_attributes: { whole: true },
  get_object_torrent: { whole: true },
  restore_object: { whole: true },
  // The gateway accepts only queries with `from stdin`; `from S3Object`, which S3 demands, fails.
  select_object_content: { whole: true },
  ...partly(),
}

function whole(verbs: readonly string[], names: readonly string[]): S3Exclusions {
  const calls = names.flatMap((name) => verbs.map((verb) => `${verb}_${name}`))
  return Object.fromEntries(calls.map((call) => [call, { whole: true }]))
}

/** Lists the headers, parameters and members of the body that are refused or have no effect. */
function partly(): S3Exclusions {
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
  // Accounts have no e-mail address on the gateway.
  const acl = { headers: [digest], payload: ['emailAddress'] }
  return {
    copy_object: {
      headers: [
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
    create_multipart_upload: { headers: ['x-amz-tagging', ...lock, ...gatewayKeys, payer] },
    get_object: { params: ['partNumber'] },
    put_bucket_acl: acl,
    put_bucket_versioning: { headers: [digest] },
    put_object: { headers: [...gatewayKeys, payer] },
    put_object_acl: acl,
    put_object_legal_hold: { headers: [digest] },
    put_object_lock_configuration: { headers: [digest, payer] },
    put_object_retention: { headers: [digest] },
  }
}
