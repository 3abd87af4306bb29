import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import {
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisUser,
  osis,
} from '../contract/object-store.ts'
import { adoptTenant, controlGateway, gateway, ownDir, removeTenants } from './gateway.ts'
import { CALLS, SELECT_QUERY } from './s3-calls.ts'
import type { Other } from './s3-part.ts'
import { PARTS } from './s3-parts.ts'
import { outcomeOf, Probe } from './s3-probe.ts'

/** What the document says of one call. */
interface Exclusion {
  readonly all?: boolean
  readonly by_headers?: readonly string[]
  readonly by_params?: readonly string[]
  readonly by_payload?: readonly string[]
}

let target: StartedTarget
let owner: Other
let other: Other
let exclusions: Record<string, Exclusion>

before(async () => {
  target = await startTarget({
    USHER_CEPH_RGW_URL: gateway.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
  })
  const { tenant_id } = await newTenant(target)
  adoptTenant(tenant_id)
  owner = await newUser(tenant_id)
  other = await newUser(tenant_id)
  const response = await osis(target, { path: '/api/v1/s3capabilities' })
  exclusions = jsonOf<{ exclusions: typeof exclusions }>(response).exclusions
})

after(async () => {
  await target.end()
  await removeTenants()
})

/** A user of OSIS with the key that was issued with it. */
async function newUser(tenantId: string): Promise<Other> {
  const user = createdOf<OsisUser>(await createUser(target, tenantId, newOsisUser()))
  const [key = assert.fail('no credential')] = (await listCredentials(target, user)).items
  return { id: user.canonical_user_id, accessKey: key.access_key, secretKey: key.secret_key }
}

describe('each S3 call is supported by the gateway unless the document excludes it', () => {
  for (const [name, work] of CALLS)
    test(name, async () => {
      const { outcome, why } = await outcomeOf(() => work(new Probe(owner)))
      assert.equal(outcome === 'supported', exclusions[name]?.all !== true, why)
    })
})

describe('each header, parameter and member is heeded by the gateway unless the document excludes it', () => {
  for (const { call, kind, part, work } of PARTS)
    test(`${call} ${kind} ${part}`, async () => {
      const { outcome, why } = await outcomeOf(() => work(new Probe(owner), other))
      assert.equal(outcome === 'supported', exclusions[call]?.[kind]?.includes(part) !== true, why)
    })
})

test('the document excludes something, and nothing that has not been tried', () => {
  const tried = new Set([
    ...CALLS.keys(),
    'select_object_content',
    ...PARTS.map(({ call, kind, part }) => `${call} ${kind} ${part}`),
  ])
  const said = Object.entries(exclusions).flatMap(([call, { all, ...lists }]) =>
    all
      ? [call]
      : Object.entries(lists).flatMap(([kind, parts]) =>
          parts.map((part: string) => `${call} ${kind} ${part}`),
        ),
  )
  assert.ok(said.length > 0)
  assert.deepEqual(
    said.filter((one) => !tried.has(one)),
    [],
  )
})

const skip = ownDir === undefined && 'the query takes the gateway down, and it is not ours to start'

test('select_object_content is not supported, and a call of it breaks the gateway', {
  skip,
}, async () => {
  try {
    const { outcome, why } = await outcomeOf(() => SELECT_QUERY(new Probe(owner)))
    assert.equal(outcome, 'ignored', why)
    assert.deepEqual(exclusions.select_object_content, { all: true })
  } finally {
    controlGateway('stop')
    controlGateway('start')
  }
})
