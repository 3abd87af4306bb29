import { createHash, randomBytes } from 'node:crypto'
import { AwsV4Signer } from 'aws4fetch'
import { type HttpResponse, send } from '../../testing/http.ts'
import { gateway } from './gateway.ts'

/**
 * What became of a call: it did what the S3 reference says; the gateway refused it as something that it does not
 * have; or it responded as if it had done it, and did not.
 */
export type Outcome = 'supported' | 'refused' | 'ignored'

export interface Key {
  readonly accessKey: string
  readonly secretKey: string
}

export interface S3Request {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Another user's key in place of the owner's. */
  readonly by?: Key
  /** The refusal of a gateway that takes the call for another one, or cannot do what it asks for. */
  readonly refusal?: RegExp
}

/** Ends a probe early with what it found out. */
class Finding extends Error {
  readonly outcome: Outcome
  constructor(outcome: Outcome, message: string) {
    super(message)
    this.outcome = outcome
  }
}

/**
 * S3 without an SDK, which would hide what is looked for here: calls of an issued key that are signed and sent as they
 * are written. Every probe has its own bucket with one object.
 */
export class Probe {
  readonly bucket = `probe-${randomBytes(6).toString('hex')}`
  readonly object = `/${this.bucket}/object`
  readonly #key: Key

  constructor(key: Key) {
    this.#key = key
  }

  /** Makes the bucket and, unless told otherwise, the object in it, which holds `hello`. */
  async setUp(headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.must(`PUT /${this.bucket}`, { headers })
    await this.must(`PUT ${this.object}`, { body: 'hello' })
  }

  /** Sends one call, `METHOD /path?query`, whatever the response. */
  async call(line: string, { headers = {}, body, by = this.#key }: S3Request = {}): Promise<HttpResponse> {
    const [method = '', path = ''] = line.split(' ')
    const digest = body === undefined ? {} : { 'content-md5': md5(body) }
    const signed = await new AwsV4Signer({
      method,
      url: `${gateway.url}${path}`,
      headers: { ...digest, ...headers },
      accessKeyId: by.accessKey,
      secretAccessKey: by.secretKey,
      service: 's3',
      region: 'us-east-1',
    }).sign()
    const sent = { ...Object.fromEntries(signed.headers), host: signed.url.host }
    return send(gateway.url, { method, path, headers: sent, body: body ?? '' })
  }

  /** A call that only prepares: that it fails says nothing of what is asked. */
  async must(line: string, request: S3Request = {}): Promise<HttpResponse> {
    const response = await this.call(line, request)
    if (response.status >= 300) throw new Error(`the probe is wrong: ${line}: ${saidBy(response)}`)
    return response
  }

  /** Asks whether the gateway takes a read of a document for another call: a list of the bucket, or the object. */
  async known(line: string): Promise<void> {
    await this.ask(line, /^(?![\s\S]*(<ListBucketResult|\nhello$))/)
  }

  /** The call that is asked about, or one that it must have changed the response to. */
  async ask(line: string, mark: RegExp = /^2/, request: S3Request = {}): Promise<HttpResponse> {
    const response = await this.call(line, request)
    const said = saidBy(response)
    if (response.status === 501 || response.status === 405 || request.refusal?.test(said))
      throw new Finding('refused', `${line}: ${said}`)
    if (mark.test(said)) return response
    // A write that fails for another reason says nothing about the gateway.
    if (response.status >= 400 && !/^HEAD|^GET/.test(line))
      throw new Error(`the probe is wrong: ${line}: ${said}`)
    throw new Finding('ignored', `${line}: ${said}`)
  }
}

/** What a probe finds out, with the response that settled it. */
export async function outcomeOf(work: () => Promise<unknown>): Promise<{ outcome: Outcome; why: string }> {
  try {
    await work()
    return { outcome: 'supported', why: 'it did what it should' }
  } catch (error) {
    if (error instanceof Finding) return { outcome: error.outcome, why: error.message }
    throw error
  }
}

/** Status, headers and body in one text. */
function saidBy({ status, headers, text }: HttpResponse): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [status, ...lines, text].join('\n')
}

export function md5(data: string | Buffer): string {
  return createHash('md5').update(data).digest('base64')
}
