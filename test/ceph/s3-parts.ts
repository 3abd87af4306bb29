import { beginUpload, completeUpload, HOLD, inADay, LOCK, LOCKED, retention, VERSIONING } from './s3-calls.ts'
import { type Key, md5, type Probe, type S3Request } from './s3-probe.ts'

/** Another user of the same tenant. */
export interface Other extends Key {
  readonly id: string
}

/** What a call may leave out: a header, a query parameter, a member of its body. */
export interface Part {
  readonly call: string
  readonly kind: 'by_headers' | 'by_params' | 'by_payload'
  readonly part: string
  readonly work: (probe: Probe, other: Other) => Promise<unknown>
}

type Headers = Readonly<Record<string, string>>
type Work = Part['work']

const plain =
  (work: Work, headers: Headers = {}): Work =>
  async (probe, other) => {
    await probe.setUp(headers)
    await work(probe, other)
  }

/** The refusal of a gateway that has no key service to ask. */
const NO_KEY = /Failed to retrieve the actual key/

/** The ways in which an object is written, each of which ends with an object at `/bucket/target`. */
const WRITES: Readonly<Record<string, (probe: Probe, headers: Headers) => Promise<string>>> = {
  async put_object(probe, headers) {
    const target = `/${probe.bucket}/target`
    await probe.ask(`PUT ${target}`, /^2/, { headers, body: 'hello', refusal: NO_KEY })
    return target
  },
  async copy_object(probe, headers) {
    const target = `/${probe.bucket}/target`
    const source = { 'x-amz-copy-source': probe.object, 'x-amz-metadata-directive': 'REPLACE' }
    await probe.ask(`PUT ${target}`, /<CopyObjectResult/, { headers: { ...source, ...headers } })
    return target
  },
  async create_multipart_upload(probe, headers) {
    const id = await beginUpload(probe, headers, NO_KEY)
    const sse = Object.fromEntries(Object.entries(headers).filter(([name]) => name.includes('-customer-')))
    const part = `${probe.object}?partNumber=1&uploadId=${id}`
    const { headers: answered } = await probe.must(`PUT ${part}`, { headers: sse, body: 'hello' })
    await completeUpload(probe, id, String(answered.etag))
    return probe.object
  },
}

/** Headers that an object is written with, and what then shows that they have been kept: at a HEAD, or at `?…`. */
const KEPT: readonly [header: string, value: string, at: string, mark: RegExp, bucket?: Headers][] = [
  ['Cache-Control', 'max-age=7', 'HEAD', /cache-control: max-age=7/],
  ['Content-Disposition', 'inline', 'HEAD', /content-disposition: inline/],
  ['Content-Encoding', 'x-probe', 'HEAD', /content-encoding: x-probe/],
  ['Content-Language', 'de', 'HEAD', /content-language: de/],
  ['Content-Type', 'text/x-probe', 'HEAD', /content-type: text\/x-probe/],
  ['Expires', 'Thu, 01 Jan 2099 00:00:00 GMT', 'HEAD', /expires: Thu, 01 Jan 2099/],
  ['x-amz-tagging', 'colour=green', '?tagging', /<Value>green/],
  ['x-amz-website-redirect-location', '/there', 'HEAD', /x-amz-website-redirect-location: \/there/],
  ['x-amz-object-lock-mode', 'GOVERNANCE', '?retention', /GOVERNANCE/, LOCKED],
  ['x-amz-object-lock-retain-until-date', inADay(), '?retention', /<RetainUntilDate/, LOCKED],
  ['x-amz-object-lock-legal-hold', 'OFF', '?legal-hold', /<Status>OFF/, LOCKED],
]

/** A header of the object lock that needs another beside it. */
const BESIDE: Readonly<Record<string, Headers>> = {
  'x-amz-object-lock-mode': { 'x-amz-object-lock-retain-until-date': inADay() },
  'x-amz-object-lock-retain-until-date': { 'x-amz-object-lock-mode': 'GOVERNANCE' },
}

const kept: Part[] = Object.entries(WRITES).flatMap(([call, write]) =>
  KEPT.map(([part, value, at, mark, bucket]) => ({
    call,
    kind: 'by_headers' as const,
    part,
    work: plain(async (probe) => {
      const target = await write(probe, { ...BESIDE[part], [part]: value })
      await probe.ask(at === 'HEAD' ? `HEAD ${target}` : `GET ${target}${at}`, mark)
    }, bucket),
  })),
)

const PERMISSIONS = {
  'full-control': 'FULL_CONTROL',
  read: 'READ',
  'read-acp': 'READ_ACP',
  'write-acp': 'WRITE_ACP',
  write: 'WRITE',
}

/** Whether a grant to another user, named by the canonical id, stands in the ACL. */
async function assertGranted(probe: Probe, path: string, other: string, permission: string): Promise<void> {
  const id = other.replace('$', '\\$')
  await probe.ask(`GET ${path}?acl`, new RegExp(`<ID>${id}</ID>[\\s\\S]*?<Permission>${permission}<`))
}

function grants(
  call: string,
  write: (probe: Probe, headers: Headers) => Promise<string>,
  names: readonly string[],
): Part[] {
  return names.map((name) => ({
    call,
    kind: 'by_headers',
    part: `x-amz-grant-${name}`,
    work: plain(async (probe, other) => {
      const path = await write(probe, { [`x-amz-grant-${name}`]: `id="${other.id}"` })
      await assertGranted(probe, path, other.id, PERMISSIONS[name as keyof typeof PERMISSIONS])
    }),
  }))
}

const OBJECT_GRANTS = ['full-control', 'read', 'read-acp', 'write-acp']
const BUCKET_GRANTS = [...OBJECT_GRANTS, 'write']

const putAcl =
  (at: (probe: Probe) => string) =>
  async (probe: Probe, headers: Headers): Promise<string> => {
    await probe.ask(`PUT ${at(probe)}?acl`, /^2/, { headers })
    return at(probe)
  }
const ofBucket = (probe: Probe): string => `/${probe.bucket}`
const ofObject = (probe: Probe): string => probe.object

async function createBucket(probe: Probe, headers: Headers): Promise<string> {
  await probe.ask(`PUT /${probe.bucket}-2`, /^2/, { headers })
  return `/${probe.bucket}-2`
}

const granted: Part[] = [
  ...Object.entries(WRITES).flatMap(([call, write]) => grants(call, write, OBJECT_GRANTS)),
  ...grants('create_bucket', createBucket, BUCKET_GRANTS),
  ...grants('put_bucket_acl', putAcl(ofBucket), BUCKET_GRANTS),
  ...grants('put_object_acl', putAcl(ofObject), OBJECT_GRANTS),
]

const CANNED: Headers = { 'x-amz-acl': 'public-read' }
const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers'
const grantee = (type: string, member: string): string =>
  `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${member}</Grantee>` +
  '<Permission>READ</Permission></Grant>'

function aclParts(call: string, at: (probe: Probe) => string): Part[] {
  const put = async (probe: Probe, grant: string, mark: RegExp): Promise<void> => {
    const { text } = await probe.must(`GET ${at(probe)}?acl`)
    const body = text.replace('</AccessControlList>', `${grant}</AccessControlList>`)
    await probe.ask(`PUT ${at(probe)}?acl`, /^2|UnresolvableGrantByEmailAddress/, { body })
    await probe.ask(`GET ${at(probe)}?acl`, mark)
  }
  const payload = { call, kind: 'by_payload' } as const
  return [
    {
      call,
      kind: 'by_headers',
      part: 'x-amz-acl',
      work: plain(async (probe) => {
        await probe.ask(`PUT ${at(probe)}?acl`, /^2/, { headers: CANNED })
        await probe.ask(`GET ${at(probe)}?acl`, /AllUsers/)
      }),
    },
    // Accounts have no e-mail address on the gateway, so that nobody can be named by one.
    {
      ...payload,
      part: 'emailAddress',
      work: plain((probe) =>
        put(probe, grantee('AmazonCustomerByEmail', '<EmailAddress>ada@acme.example</EmailAddress>'), /ada@/),
      ),
    },
    {
      ...payload,
      part: 'type',
      work: plain(async (probe, other) => {
        await put(probe, grantee('CanonicalUser', `<ID>${other.id}</ID>`), /xsi:type="CanonicalUser"/)
        await assertGranted(probe, at(probe), other.id, 'READ')
      }),
    },
    {
      ...payload,
      part: 'uri',
      work: plain((probe) => put(probe, grantee('Group', `<URI>${ALL_USERS}</URI>`), /AllUsers/)),
    },
  ]
}

/** A digest of something else. A gateway that takes it does not look. */
const WRONG: Headers = { 'content-md5': md5('something else') }
const refusesWrong =
  (line: (probe: Probe) => string, body: (probe: Probe) => string | Promise<string>): Work =>
  async (probe) => {
    await probe.ask(line(probe), /BadDigest|InvalidDigest/, { headers: WRONG, body: await body(probe) })
  }
const aclBody =
  (at: (probe: Probe) => string) =>
  async (probe: Probe): Promise<string> =>
    (await probe.must(`GET ${at(probe)}?acl`)).text

const DIGESTS: readonly [call: string, work: Work, bucket?: Headers][] = [
  [
    'put_object',
    refusesWrong(
      (probe) => `PUT ${probe.object}`,
      () => 'hello',
    ),
  ],
  ['put_bucket_acl', refusesWrong((probe) => `PUT ${ofBucket(probe)}?acl`, aclBody(ofBucket))],
  ['put_object_acl', refusesWrong((probe) => `PUT ${probe.object}?acl`, aclBody(ofObject))],
  [
    'put_bucket_versioning',
    refusesWrong(
      (probe) => `PUT ${ofBucket(probe)}?versioning`,
      () => VERSIONING,
    ),
  ],
  [
    'put_object_legal_hold',
    refusesWrong(
      (probe) => `PUT ${probe.object}?legal-hold`,
      () => HOLD,
    ),
    LOCKED,
  ],
  [
    'put_object_lock_configuration',
    refusesWrong(
      (probe) => `PUT ${ofBucket(probe)}?object-lock`,
      () => LOCK,
    ),
    LOCKED,
  ],
  ['put_object_retention', refusesWrong((probe) => `PUT ${probe.object}?retention`, retention), LOCKED],
]

const digests: Part[] = DIGESTS.map(([call, work, bucket]) => ({
  call,
  kind: 'by_headers',
  part: 'Content-MD5',
  work: plain(work, bucket),
}))

const read = (query: string, mark: RegExp): Work =>
  plain((probe) => probe.ask(`GET ${probe.object}?${query}`, mark))

/** `get_object`: what the answer is to be called, the version and the part that are wanted. */
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

/** Writes a second version, and answers the id of the first. */
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
  ...kept,
  ...granted,
  ...aclParts('put_bucket_acl', ofBucket),
  ...aclParts('put_object_acl', ofObject),
  ...digests,
  ...reads,
  ...copies,
  ...classes,
  ...versioning,
  ...others,
  ...encrypted,
  ...serverSide,
  ...paid,
]
