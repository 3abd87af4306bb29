import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { AwsClient } from 'aws4fetch'

const SCRIPT = join(import.meta.dirname, '../../scripts/ceph-rgw')

/** One S3 key. */
export interface Key {
  readonly accessKey: string
  readonly secretKey: string
}

/** A user as the gateway itself has it. */
export interface GatewayUser {
  readonly suspended: boolean
  /** Access and secret keys, in order. */
  readonly keys: readonly string[]
}

/** A real Ceph RGW for one soak, with the times of its outages. */
export class Gateway {
  readonly #dir = mkdtempSync(join(tmpdir(), 'usher-soak-ceph-'))
  /** Each outage, from the stop to the end of the start. */
  readonly outages: { from: number; until: number }[] = []
  /** How many S3 calls got no response, or a status of 500 or more. */
  faults = 0
  #settings: Record<string, string> = {}

  async start(): Promise<void> {
    await this.#run('start')
    const lines = (await this.#run('env')).trim().split('\n')
    this.#settings = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s) as [string, string]))
  }

  /** Usher's settings for this gateway. */
  get settings(): Readonly<Record<string, string>> {
    return this.#settings
  }

  get #url(): string {
    return this.#settings.USHER_CEPH_RGW_URL ?? ''
  }

  /** Restarts all daemons of the cluster. */
  async restart(): Promise<void> {
    const outage = { from: Date.now(), until: Number.POSITIVE_INFINITY }
    this.outages.push(outage)
    await this.#run('stop')
    await this.#run('start')
    outage.until = Date.now()
  }

  async wipe(): Promise<void> {
    await this.#run('wipe')
  }

  async #run(command: string): Promise<string> {
    const env = { ...process.env, CEPH_RGW_DIR: this.#dir }
    try {
      return (await promisify(execFile)(SCRIPT, [command], { env })).stdout
    } catch (error) {
      // The logs are removed with the gateway, so the end of its log is printed.
      const log = join(this.#dir, 'log/rgw.log')
      if (existsSync(log)) console.error(readFileSync(log, 'utf8').slice(-4_000))
      throw error
    }
  }

  /** Reads the Admin API without any of Usher's code. */
  async #admin(path: string): Promise<unknown> {
    const { USHER_CEPH_RGW_ACCESS_KEY: id = '', USHER_CEPH_RGW_SECRET_KEY: secret = '' } = this.#settings
    const client = new AwsClient({ accessKeyId: id, secretAccessKey: secret, service: 's3', region: 'x' })
    const response = await client.fetch(new URL(path, this.#url))
    if (!response.ok) throw new Error(`the gateway responded to ${path} with ${response.status}`)
    return response.json()
  }

  async listUids(): Promise<string[]> {
    return (await this.#admin('/admin/metadata/user')) as string[]
  }

  async readUser(uid: string): Promise<GatewayUser> {
    const found = (await this.#admin(`/admin/user?uid=${encodeURIComponent(uid)}`)) as {
      suspended: number
      keys: { access_key: string; secret_key: string }[]
    }
    const keys = found.keys.map((key) => `${key.access_key} ${key.secret_key}`).sort()
    return { suspended: found.suspended !== 0, keys }
  }

  #s3({ accessKey, secretKey }: Key): S3Client {
    return new S3Client({
      endpoint: this.#url,
      region: 'us-east-1',
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    })
  }

  /** Creates a bucket with one object. */
  async putData(key: Key, bucket: string): Promise<void> {
    const client = this.#s3(key)
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'object', Body: 'data' }))
  }

  /** Returns `yes` if S3 accepts the key, otherwise the code of the refusal. */
  async tryKey(key: Key): Promise<string> {
    try {
      await this.#s3(key).send(new ListBucketsCommand({}))
      return 'yes'
    } catch (error) {
      return (error as Error).name
    }
  }
}
