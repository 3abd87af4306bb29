import { LOCKED } from './s3-calls.ts'
import { HOLD, inADay, LOCK, retention, VERSIONING } from './s3-documents.ts'
import { CANNED, type Headers, type Part, plain, type Work, WRITES } from './s3-part.ts'
import { md5, type Probe } from './s3-probe.ts'

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

/** Headers of the object lock that need another header. */
const NEEDED_WITH: Readonly<Record<string, Headers>> = {
  'x-amz-object-lock-mode': { 'x-amz-object-lock-retain-until-date': inADay() },
  'x-amz-object-lock-retain-until-date': { 'x-amz-object-lock-mode': 'GOVERNANCE' },
}

const kept: Part[] = Object.entries(WRITES).flatMap(([call, write]) =>
  KEPT.map(([part, value, at, mark, bucket]) => ({
    call,
    kind: 'by_headers' as const,
    part,
    work: plain(async (probe) => {
      const target = await write(probe, { ...NEEDED_WITH[part], [part]: value })
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
    // Accounts have no e-mail address on the gateway, so that a grant cannot name one.
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

/** The parts that are headers of writes: metadata, grants, ACLs, digests. */
export const HEADER_PARTS: readonly Part[] = [
  ...kept,
  ...granted,
  ...aclParts('put_bucket_acl', ofBucket),
  ...aclParts('put_object_acl', ofObject),
  ...digests,
]
