import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import type { Gateway } from './gateway.ts'
import type { Osis, Reply } from './osis.ts'

interface ModelKey {
  readonly accessKey: string
  readonly secretKey: string
  active: boolean
}

/** The expected state of a user that a worker created. */
export interface ModelUser {
  readonly request: Record<string, unknown>
  readonly tenantId: string
  readonly userId: string
  readonly canonicalId: string
  active: boolean
  keys: ModelKey[]
  buckets: number
}

interface WirePage<T> {
  readonly items: readonly T[]
  readonly page_info: { readonly total: number }
}
interface WireUser {
  readonly user_id: string
  readonly canonical_user_id: string
  readonly tenant_id: string
  readonly active: boolean
}
interface WireKey {
  readonly access_key: string
  readonly secret_key: string
  readonly active: boolean
}

const MOST_USERS = 4
const MOST_KEYS = 3

/**
 * Does one operation after the other on its own tenant, with a model of what is expected: no other worker touches the
 * tenant, so every response can be compared with the model. Many of these at once make the load.
 */
export class Worker {
  readonly #osis: Osis
  readonly #gateway: Gateway
  readonly #org = randomUUID()
  #tenantId = ''
  users: ModelUser[] = []
  /** Keys that must not work any more. */
  readonly dead: ModelKey[] = []
  operations = 0

  constructor(osis: Osis, gateway: Gateway) {
    this.#osis = osis
    this.#gateway = gateway
  }

  get tenantId(): string {
    return this.#tenantId
  }

  async run(until: number): Promise<void> {
    await this.#createTenant()
    while (Date.now() < until) await this.step()
  }

  /** Runs one random operation. A difference from the model is a violation, and the run goes on. */
  async step(): Promise<void> {
    const user = this.users[randomInt(Math.max(1, this.users.length))]
    const operation = user ? this.#choose(user) : () => this.#createUser()
    try {
      await operation()
    } catch (error) {
      this.#osis.violation(`${operation.toString().slice(0, 60)}: ${(error as Error).message}`)
      if (user) await this.#adopt(user)
    }
    this.operations++
  }

  #choose(user: ModelUser): () => Promise<void> {
    const many: (readonly [weight: number, operation: () => Promise<void>])[] = [
      [this.users.length < MOST_USERS ? 10 : 0, () => this.#createUser()],
      [6, () => this.#repeatUser(user)],
      [10, () => this.#setStatus(user, !user.active)],
      [user.keys.length < MOST_KEYS ? 10 : 0, () => this.#createKey(user)],
      [10, () => this.#switchKey(user)],
      [6, () => this.#deleteKey(user)],
      [4, () => this.#deleteUser(user, randomInt(2) === 1)],
      [1, () => this.#deleteTenant()],
      [10, () => this.#list()],
      [10, () => this.#query(user)],
      [10, () => this.#listKeys(user)],
      [4, () => this.#usage(user)],
      [4, () => this.#addData(user)],
    ]
    let left = randomInt(many.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, operation] of many) {
      if (left < weight) return operation
      left -= weight
    }
    return () => this.#list()
  }

  async #createTenant(): Promise<void> {
    const body = { name: 'Soak', cd_tenant_ids: [this.#org] }
    const reply = await this.#osis.until('POST', '/api/v1/tenants', body)
    this.#tenantId = bodyOf<{ tenant_id: string }>(reply, 201).tenant_id
    const again = await this.#osis.until('POST', '/api/v1/tenants', body)
    assert.equal(bodyOf<{ tenant_id: string }>(again, 201).tenant_id, this.#tenantId, 'a second tenant')
  }

  async #createUser(): Promise<void> {
    const request = {
      cd_user_id: randomUUID(),
      cd_tenant_id: this.#org,
      username: 'soak',
      role: 'TENANT_USER',
    }
    const found = bodyOf<WireUser>(await this.#osis.until('POST', this.#usersPath, request), 201)
    const { tenant_id: tenantId, user_id: userId, canonical_user_id: canonicalId, active } = found
    const user: ModelUser = { request, tenantId, userId, canonicalId, active, keys: [], buckets: 0 }
    this.users.push(user)
    const keys = await this.#readKeys(user)
    assert.equal(keys.length, 1, 'a new user has exactly one key')
    user.keys = keys
  }

  async #repeatUser(user: ModelUser): Promise<void> {
    const reply = await this.#osis.until('POST', this.#usersPath, user.request)
    const { canonical_user_id, active } = bodyOf<WireUser>(reply, 201)
    assert.deepEqual([canonical_user_id, active], [user.canonicalId, user.active], 'a repeated create')
    await this.#listKeys(user)
  }

  async #setStatus(user: ModelUser, active: boolean): Promise<void> {
    user.active = active
    const reply = await this.#osis.until('PATCH', pathOf(user), { active })
    assert.equal(bodyOf<WireUser>(reply, 200).active, active, 'the status')
  }

  /** Must not simply be repeated: after a 503 the key may exist, which the list shows. */
  async #createKey(user: ModelUser): Promise<void> {
    const reply = await this.#osis.once('POST', `${pathOf(user)}/s3credentials`)
    if (reply.status === 503) {
      const known = new Set(user.keys.map(({ accessKey }) => accessKey))
      const keys = await this.#readKeys(user)
      const added = keys.filter(({ accessKey }) => !known.has(accessKey))
      assert.ok(added.length <= 1 && keys.length === known.size + added.length, 'keys after a 503')
      user.keys = keys
      return
    }
    user.keys.push(toModel(bodyOf<WireKey>(reply, 201)))
  }

  async #switchKey(user: ModelUser): Promise<void> {
    const key = user.keys[randomInt(Math.max(1, user.keys.length))]
    if (!key) return
    key.active = !key.active
    const path = `/api/v1/s3credentials/${key.accessKey}?tenant_id=${user.tenantId}&user_id=${user.userId}`
    const reply = await this.#osis.until('PATCH', path, { active: key.active })
    assert.deepEqual(toModel(bodyOf<WireKey>(reply, 200)), key, 'a switched key')
  }

  async #deleteKey(user: ModelUser): Promise<void> {
    const key = user.keys.at(-1)
    if (!key || user.keys.length < 2) return
    const { status } = await this.#osis.until('DELETE', `/api/v1/s3credentials/${key.accessKey}`)
    assert.equal(status, 204, 'a deleted key')
    this.dead.push(...user.keys.splice(-1))
    const gone = await this.#osis.once('GET', `/api/v1/s3credentials/${key.accessKey}`)
    assert.equal(gone.status, 404, 'a key that was deleted')
  }

  /** Without purge a user with data stays unchanged; otherwise it is removed with its keys. */
  async #deleteUser(user: ModelUser, purge: boolean): Promise<void> {
    const { status } = await this.#osis.until('DELETE', `${pathOf(user)}?purge_data=${purge}`)
    if (!purge && user.buckets > 0) {
      assert.equal(status, 409, 'a user with data')
      await this.#listKeys(user)
      return
    }
    assert.equal(status, 204, 'a deleted user')
    this.#forget([user])
    assert.equal((await this.#osis.once('GET', pathOf(user))).status, 404, 'a user that was deleted')
  }

  async #deleteTenant(): Promise<void> {
    const path = `/api/v1/tenants/${this.#tenantId}`
    assert.equal((await this.#osis.until('DELETE', `${path}?purge_data=true`)).status, 204, 'a tenant')
    this.#forget(this.users)
    assert.equal((await this.#osis.once('GET', path)).status, 404, 'a tenant that was deleted')
    await this.#createTenant()
  }

  #forget(gone: readonly ModelUser[]): void {
    this.dead.push(...gone.flatMap(({ keys }) => keys))
    this.users = this.users.filter((user) => !gone.includes(user))
  }

  async #list(): Promise<void> {
    const page = bodyOf<WirePage<WireUser>>(await this.#osis.once('GET', this.#usersPath), 200)
    const seen = page.items.map(({ canonical_user_id, active }) => `${canonical_user_id} ${active}`)
    const expected = this.users.map(({ canonicalId, active }) => `${canonicalId} ${active}`)
    assert.deepEqual(seen.sort(), expected.sort(), 'the list of users')
    assert.equal(page.page_info.total, expected.length)
  }

  async #query(user: ModelUser): Promise<void> {
    const filter = `tenant_id==${user.tenantId};cd_tenant_id==${this.#org};cd_user_id==${user.request.cd_user_id}`
    const path = `/api/v1/users/query?filter=${encodeURIComponent(filter)}`
    const page = bodyOf<WirePage<WireUser>>(await this.#osis.once('GET', path), 200)
    assert.deepEqual(
      page.items.map(({ user_id }) => user_id),
      [user.userId],
      'a query for a user',
    )
  }

  async #listKeys(user: ModelUser): Promise<void> {
    assert.deepEqual(await this.#readKeys(user), user.keys, 'the list of keys')
  }

  async #readKeys(user: ModelUser): Promise<ModelKey[]> {
    const reply = await this.#osis.once('GET', `${pathOf(user)}/s3credentials`)
    return bodyOf<WirePage<WireKey>>(reply, 200).items.map(toModel)
  }

  async #usage(user: ModelUser): Promise<void> {
    const path = `/api/v1/usage?tenant_id=${user.tenantId}&user_id=${user.userId}`
    const usage = bodyOf<{ bucket_count: number }>(await this.#osis.until('GET', path), 200)
    assert.equal(usage.bucket_count, user.buckets, 'the usage')
  }

  /** Failures of S3 itself are not Usher's: they are counted, and the call is repeated. */
  async #addData(user: ModelUser): Promise<void> {
    const key = user.keys.find(({ active }) => active)
    if (!key || !user.active || user.buckets > 0) return
    const end = Date.now() + 90_000
    for (;;) {
      try {
        await this.#gateway.putData(key, `soak-${user.userId}`)
        user.buckets = 1
        return
      } catch (error) {
        // A refusal would mean that an issued key does not work.
        if (!isFault(error) || Date.now() > end) throw error
        this.#gateway.faults++
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      }
    }
  }

  /** After a violation the model takes over Usher's state, so that one mistake is counted once. */
  async #adopt(user: ModelUser): Promise<void> {
    const { status, body } = await this.#osis.once('GET', pathOf(user))
    if (status === 404) return this.#forget([user])
    if (status !== 200) return
    user.active = (body as WireUser).active
    user.keys = await this.#readKeys(user).catch(() => user.keys)
  }

  get #usersPath(): string {
    return `/api/v1/tenants/${this.#tenantId}/users`
  }
}

/** No response, or a status of 500 or more. */
function isFault(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return ($metadata?.httpStatusCode ?? 500) >= 500
}

function pathOf({ tenantId, userId }: ModelUser): string {
  return `/api/v1/tenants/${tenantId}/users/${userId}`
}

function bodyOf<T>({ status, body }: Reply, expected: number): T {
  assert.equal(status, expected, JSON.stringify(body))
  return body as T
}

function toModel({ access_key, secret_key, active }: WireKey): ModelKey {
  return { accessKey: access_key, secretKey: secret_key, active }
}
