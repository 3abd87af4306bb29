import { beginUpload, LOCKED } from './s3-calls.ts'
import { HOLD, inADay, LOCK, retention, VERSIONING } from './s3-documents.ts'
import { HEADER_PARTS } from './s3-header-parts.ts'
import { CANNED, type Headers, type Part, plain, type Work, WRITES } from './s3-part.ts'
import { md5, type Probe, type S3Request } from './s3-probe.ts'

const read = (query: string, mark: RegExp): Work =>
  plain((probe) => probe.ask(`GET ${probe.object}?${query}`, mark))

/** `get_object`: the headers of the response, the version and the part. */
const RESPONSES: readonly [parameter: string, value: string, mark: RegExp][] = [
  ['response-cache-control', 'max-age=7', /cache-control: max-age=7/],
  ['response-content-disposition', 'inline', /content-disposition: inline/],
  ['response-content-encoding', 'x-probe', /content-encoding: x-probe/],
  ['response-content-language', 'de', /content-language: de/],
  ['response-content-type', 'text/x-probe', /content-type: text\/x-probe/],
  ['response-expires', 'Thu, 01 Jan 2099 00:00:00 GMT', /expires: Thu, 01 Jan 2099/],
]

/** The contract's list has them as headers by the names on the wire, and as parameters by those of the SDK. */
const responses: Part[] = RESPONSES.flatMap(([part, value, mark]) => {
  const work = read(`${part}=${encodeURIComponent(value)}`, mark)
  const camel = part.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return [
    { call: 'get_object', kind: 'by_headers', part, work },
    { call: 'get_object', kind: 'by_params', part: camel, work },
  ] as const
})

/** Writes a second version. Returns the id of the first. */
async function firstVersion(probe: Probe): Promise<string> {
  await probe.must(`PUT /${probe.bucket}?versioning`, { body: VERSIONING })
  const { headers } = await probe.must(`PUT ${probe.object}`, { body: 'first' })
  await probe.must(`PUT ${probe.object}`, { body: 'second' })
  return String(headers['x-amz-version-id'])
}

const versioned = (more: string, mark: RegExp): Work =>
  plain(async (probe) => {
    const id = await firstVersion(probe)
    await probe.ask(`GET ${probe.object}?${more}versionId=${id}`, mark)
  })

const partOf: Work = plain(async (probe) => {
  const id = await beginUpload(probe)
  const at = `${probe.object}?uploadId=${id}`
  const big = 'x'.repeat(5 * 1024 * 1024)
  const parts: string[] = []
  for (const [index, body] of [big, 'tail'].entries()) {
    const { headers } = await probe.must(`PUT ${at}&partNumber=${index + 1}`, { body })
    parts.push(`<Part><PartNumber>${index + 1}</PartNumber><ETag>${headers.etag}</ETag></Part>`)
  }
  await probe.must(`POST ${at}`, {
    body: `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`,
  })
  await probe.ask(`HEAD ${probe.object}?partNumber=2`, /content-length: 4\n/)
})

const reads: Part[] = [
  ...responses,
  { call: 'get_object', kind: 'by_headers', part: 'versionId', work: versioned('', /first$/) },
  { call: 'get_object', kind: 'by_params', part: 'versionId', work: versioned('', /first$/) },
  {
    call: 'get_object_acl',
    kind: 'by_params',
    part: 'versionId',
    work: versioned('acl&', /<AccessControlPolicy/),
  },
  { call: 'get_object', kind: 'by_params', part: 'partNumber', work: partOf },
]

/** Copies that a condition or a directive decides about. */
const CONDITIONS: readonly [header: string, value: string][] = [
  ['if-match', '"0"'],
  ['if-none-match', '"5d41402abc4b2a76b9719d911017c592"'],
  ['if-modified-since', 'Thu, 01 Jan 2099 00:00:00 GMT'],
  ['if-unmodified-since', 'Sat, 01 Jan 2000 00:00:00 GMT'],
]

const copies: Part[] = [
  ...CONDITIONS.map(([name, value]): Part => {
    const part = `x-amz-copy-source-${name}`
    const work = plain(async (probe) => {
      const headers = { 'x-amz-copy-source': probe.object, [part]: value }
      await probe.ask(`PUT /${probe.bucket}/target`, /^412/, { headers })
    })
    return { call: 'copy_object', kind: 'by_headers', part, work }
  }),
  {
    call: 'copy_object',
    kind: 'by_headers',
    part: 'x-amz-metadata-directive',
    work: plain(async (probe) => {
      const headers = {
        'x-amz-copy-source': probe.object,
        'x-amz-metadata-directive': 'REPLACE',
        'x-amz-meta-a': 'b',
      }
      await probe.ask(`PUT /${probe.bucket}/target`, /^2/, { headers })
      await probe.ask(`HEAD /${probe.bucket}/target`, /x-amz-meta-a: b/)
    }),
  },
  {
    call: 'copy_object',
    kind: 'by_headers',
    part: 'x-amz-tagging-directive',
    work: plain(async (probe) => {
      await probe.must(`PUT ${probe.object}`, { body: 'hello', headers: { 'x-amz-tagging': 'colour=red' } })
      const headers = {
        'x-amz-copy-source': probe.object,
        'x-amz-tagging-directive': 'REPLACE',
        'x-amz-tagging': 'colour=green',
      }
      await probe.ask(`PUT /${probe.bucket}/target`, /^2/, { headers })
      await probe.ask(`GET /${probe.bucket}/target?tagging`, /<Value>green/)
    }),
  },
]

/** An unknown class must be refused: one that is taken was not looked at. */
const classes: Part[] = Object.keys(WRITES).map((call) => ({
  call,
  kind: 'by_headers',
  part: 'x-amz-storage-class',
  work: plain(async (probe) => {
    const headers = { 'x-amz-storage-class': 'NO_SUCH_CLASS', 'x-amz-copy-source': probe.object }
    const target = `/${probe.bucket}/target`
    const lines = {
      put_object: `PUT ${target}`,
      copy_object: `PUT ${target}`,
      create_multipart_upload: `POST ${target}?uploads`,
    }
    const { 'x-amz-copy-source': _, ...direct } = headers
    const request: S3Request = { headers: call === 'copy_object' ? headers : direct }
    await probe.ask(lines[call as keyof typeof lines], /^400/, request)
  }),
}))

const versioning: Part[] = [
  ['by_headers', 'x-amz-mfa'],
  ['by_payload', 'mfaDelete'],
].map(([kind, part]) => ({
  call: 'put_bucket_versioning',
  kind: kind as Part['kind'],
  part: part ?? '',
  // Without a device of the owner it must be refused. One that does not look at it turns versioning on.
  work: plain((probe) =>
    probe.ask(`PUT /${probe.bucket}?versioning`, /^403/, {
      headers: { 'x-amz-mfa': 'none 000000' },
      body: VERSIONING.replace('</Ver', '<MfaDelete>Enabled</MfaDelete></Ver'),
    }),
  ),
}))

const others: Part[] = [
  {
    call: 'put_object_retention',
    kind: 'by_headers',
    part: 'x-amz-bypass-governance-retention',
    work: plain(async (probe) => {
      await probe.must(`PUT ${probe.object}?retention`, { body: retention() })
      const shorter = retention().replace(/<RetainUntilDate>[^<]+/, `<RetainUntilDate>${inADay(60_000)}`)
      await probe.ask(`PUT ${probe.object}?retention`, /^403/, { body: shorter })
      const headers = { 'x-amz-bypass-governance-retention': 'true' }
      await probe.ask(`PUT ${probe.object}?retention`, /^2/, { body: shorter, headers })
    }, LOCKED),
  },
  {
    call: 'put_object_lock_configuration',
    kind: 'by_headers',
    part: 'x-amz-bucket-object-lock-token',
    work: plain(
      (probe) =>
        probe.ask(`PUT /${probe.bucket}?object-lock`, /^2/, {
          body: LOCK,
          headers: { 'x-amz-bucket-object-lock-token': 'none' },
        }),
      LOCKED,
    ),
  },
]

const CUSTOMER = {
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-customer-key': Buffer.alloc(32, 7).toString('base64'),
  'x-amz-server-side-encryption-customer-key-MD5': md5(Buffer.alloc(32, 7)),
}

/** Written with a customer's key, an object must not be readable without it. */
const encrypted: Part[] = Object.entries(WRITES).flatMap(([call, write]) =>
  Object.keys(CUSTOMER).map((part) => ({
    call,
    kind: 'by_headers' as const,
    part,
    work: plain(async (probe) => {
      const target = await write(probe, CUSTOMER)
      await probe.ask(`HEAD ${target}`, /^400/)
      await probe.ask(`GET ${target}`, /hello$/, { headers: CUSTOMER })
    }),
  })),
)

/** Keys of the gateway, and of a key service that it would have to be set up with. */
const SERVER_SIDE: readonly [part: string, headers: Headers, mark: RegExp][] = [
  ['', { 'x-amz-server-side-encryption': 'AES256' }, /server-side-encryption: AES256/],
  [
    '-aws-kms-key-id',
    { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'none' },
    /server-side-encryption: aws:kms/,
  ],
  [
    '-context',
    {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'none',
      'x-amz-server-side-encryption-context': 'e30=',
    },
    /server-side-encryption: aws:kms/,
  ],
]

const serverSide: Part[] = Object.entries(WRITES).flatMap(([call, write]) =>
  SERVER_SIDE.map(([name, headers, mark]) => ({
    call,
    kind: 'by_headers' as const,
    part: `x-amz-server-side-encryption${name}`,
    work: plain(async (probe) => probe.ask(`HEAD ${await write(probe, headers)}`, mark)),
  })),
)

const OPEN = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: ['arn:aws:s3:::*'] }],
})
const PAYMENT = '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>'

/** What another user asks of a bucket whose callers pay: refused until the caller says to pay. */
const PAID: Readonly<Record<string, (probe: Probe) => readonly [line: string, request?: S3Request]>> = {
  get_object: ({ object }) => [`GET ${object}`],
  get_object_acl: ({ object }) => [`GET ${object}?acl`],
  get_object_legal_hold: ({ object }) => [`GET ${object}?legal-hold`],
  get_object_retention: ({ object }) => [`GET ${object}?retention`],
  put_object: ({ object }) => [`PUT ${object}`, { body: 'hello' }],
  put_object_acl: ({ object }) => [`PUT ${object}?acl`, { headers: CANNED }],
  put_object_legal_hold: ({ object }) => [`PUT ${object}?legal-hold`, { body: HOLD }],
  put_object_retention: ({ object }) => [`PUT ${object}?retention`, { body: retention() }],
  put_object_lock_configuration: ({ bucket }) => [`PUT /${bucket}?object-lock`, { body: LOCK }],
  create_multipart_upload: ({ object }) => [`POST ${object}?uploads`],
  copy_object: ({ bucket, object }) => [
    `PUT /${bucket}/target`,
    { headers: { 'x-amz-copy-source': object } },
  ],
}

const paid: Part[] = Object.entries(PAID).map(([call, of]) => ({
  call,
  kind: 'by_headers',
  part: 'x-amz-request-payer',
  work: plain(async (probe, other) => {
    await probe.must(`PUT ${probe.object}?retention`, { body: retention() })
    await probe.must(`PUT ${probe.object}?legal-hold`, { body: HOLD })
    await probe.must(`PUT /${probe.bucket}?policy`, { body: OPEN })
    await probe.must(`PUT /${probe.bucket}?requestPayment`, { body: PAYMENT })
    const [line, request = {}] = of(probe)
    await probe.ask(line, /^403/, { ...request, by: other })
    const headers = { ...request.headers, 'x-amz-request-payer': 'requester' }
    await probe.ask(line, /^2/, { ...request, headers, by: other })
  }, LOCKED),
}))

/** Everything that section 6.2 of the contract tells apart within a call. */
export const PARTS: readonly Part[] = [
  ...HEADER_PARTS,
  ...reads,
  ...copies,
  ...classes,
  ...versioning,
  ...others,
  ...encrypted,
  ...serverSide,
  ...paid,
]
