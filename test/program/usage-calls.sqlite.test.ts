import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf } from '../../testing/http.ts'
import { startRgw } from '../../testing/rgw.ts'
import { startTarget } from '../../testing/target.ts'
import { waitUntil } from '../../testing/wait.ts'
import {
  createdOf,
  createUser,
  newOsisUser,
  newTenant,
  type OsisUser,
  osis,
} from '../contract/object-store.ts'
import { queryStore } from '../support/stored.ts'

interface Usage {
  readonly bucket_count: number
  readonly object_count: number
  readonly used_bytes: number
}

const USERS = 200

test('usage and buckets of a tenant with many users cost no call to the gateway', async (t) => {
  const rgw = await startRgw()
  const target = await startTarget(rgw.settings)
  t.after(async () => {
    await target.end()
    rgw.close()
  })
  const { tenant_id: tenantId } = await newTenant(target)
  const users: OsisUser[] = []
  for (let i = 0; i < USERS; i++)
    users.push(createdOf<OsisUser>(await createUser(target, tenantId, newOsisUser())))
  for (const { canonical_user_id: owner } of users)
    rgw.buckets.set(owner, [
      {
        bucket: `of-${owner.split('$')[1]}`,
        owner,
        creation_time: '2026-11-24T14:26:42.704032Z',
        usage: { 'rgw.main': { num_objects: 3, size: 7 } },
      },
    ])
  const get = async <T>(path: string): Promise<T> =>
    jsonOf<T>(await osis(target, { path: `/api/v1/${path}` }))
  const ofTenant = `usage?tenant_id=${tenantId}`
  const figures = { bucket_count: USERS, object_count: 3 * USERS, used_bytes: 7 * USERS }
  // Accounts that were read before they had buckets are read again when they are due.
  await waitUntil(async () => {
    await queryStore(target.dataDir, "UPDATE contents SET due_at = '' WHERE bucket_count = 0")
    return (await get<Usage>(ofTenant)).object_count === 3 * USERS
  }, 30_000)
  rgw.calls.length = 0
  for (const path of [ofTenant, 'usage']) assert.partialDeepStrictEqual(await get<Usage>(path), figures)
  const page = await get<{ items: object[]; page_info: { total: number } }>(
    `bucket-list?tenant_id=${tenantId}&limit=1000`,
  )
  assert.deepEqual([page.items.length, page.page_info.total], [USERS, USERS])
  assert.deepEqual(rgw.calls, [])
  const [first] = users
  await get<Usage>(`${ofTenant}&user_id=${first?.user_id}`)
  assert.deepEqual(rgw.calls.toSorted(), ['GET /admin/bucket', 'GET /admin/metadata/user'])
})
