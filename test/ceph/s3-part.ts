import { beginUpload, completeUpload } from './s3-calls.ts'
import type { Key, Probe } from './s3-probe.ts'

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

export type Headers = Readonly<Record<string, string>>
export type Work = Part['work']

export const plain =
  (work: Work, headers: Headers = {}): Work =>
  async (probe, other) => {
    await probe.setUp(headers)
    await work(probe, other)
  }

/** The refusal of a gateway that has no key service to ask. */
const NO_KEY = /Failed to retrieve the actual key/

/** The ways to write an object. Each ends with an object at `/bucket/target`. */
export const WRITES: Readonly<Record<string, (probe: Probe, headers: Headers) => Promise<string>>> = {
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
    const { headers: received } = await probe.must(`PUT ${part}`, { headers: sse, body: 'hello' })
    await completeUpload(probe, id, String(received.etag))
    return probe.object
  },
}

/** A canned ACL. */
export const CANNED: Headers = { 'x-amz-acl': 'public-read' }
