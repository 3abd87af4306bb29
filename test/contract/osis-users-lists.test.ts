import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { jsonOf, send } from '../../testing/http.ts'
import {
  assertBadRequest,
  assertOsisError,
  assertPagingChecked,
  createdOf,
  createUser,
  getPage,
  newOsisUser,
  newTenant,
  type OsisPage,
  type OsisTenant,
  type OsisUser,
  osis,
  queryPath,
} from './object-store.ts'
import { useTarget } from './target.ts'

let tenant: OsisTenant
let users: OsisUser[]

const target = useTarget({}, async () => {
  tenant = await newTenant(target, 'The Tenant')
  const [org] = tenant.cd_tenant_ids
  users = []
  for (let i = 0; i < 7; i++) {
    const body = newOsisUser({ cd_tenant_id: org, username: `user ${i}`, active: i % 2 === 0 })
    users.push(createdOf<OsisUser>(await createUser(target, tenant.tenant_id, body)))
  }
})

function listUsers(query = '', id = tenant.tenant_id): Promise<OsisPage<OsisUser>> {
  return getPage<OsisUser>(target, `/api/v1/tenants/${id}/users${query}`)
}

function query(filter: string, more = ''): Promise<OsisPage<OsisUser>> {
  return getPage<OsisUser>(target, queryPath('users', filter, more))
}

test('the list of a tenant has its users, complete and oldest first', async () => {
  const page = await listUsers()
  assert.deepEqual(page, { items: users, page_info: { limit: 100, offset: 0, total: 7 } })
})

test('pages of users follow offset and limit, from either end', async () => {
  for (let offset = 0; offset < 9; offset++)
    for (const limit of [1, 2, 5, 100]) {
      const page = await listUsers(`?offset=${offset}&limit=${limit}`)
      assert.deepEqual(page.items, users.slice(offset, offset + limit))
      assert.deepEqual(page.page_info, { limit, offset, total: 7 })
    }
  assert.deepEqual(await listUsers('?limit=0'), { items: [], page_info: { limit: 0, offset: 0, total: 7 } })
  assert.equal((await listUsers('?limit=5000')).page_info.limit, 1000)
})

test('offset and limit are checked', async () => {
  await assertPagingChecked(target, `/api/v1/tenants/${tenant.tenant_id}/users`)
  await assertPagingChecked(target, queryPath('users', 'active==true'))
})

test('the users of an unknown tenant are an empty page', async () => {
  const empty = { items: [], page_info: { limit: 100, offset: 0, total: 0 } }
  for (const id of ['nobody', tenant.cd_tenant_ids[0]]) assert.deepEqual(await listUsers('', id), empty)
})

test('the query of a first use is right before and after the create', async () => {
  const [org] = tenant.cd_tenant_ids
  const other = await newTenant(target)
  const id = randomUUID()
  const filter = `tenant_id==${other.tenant_id};cd_tenant_id==${org};cd_user_id==${id}`
  assert.equal((await query(filter)).page_info.total, 0)
  const body = newOsisUser({ cd_tenant_id: org, cd_user_id: id })
  const user = createdOf<OsisUser>(await createUser(target, other.tenant_id, body))
  const found = { items: [user], page_info: { limit: 100, offset: 0, total: 1 } }
  for (const more of ['', ';', ';;']) assert.deepEqual(await query(`${filter}${more}`), found)
})

test('every name of the filter matches its member exactly', async () => {
  const [user] = users as [OsisUser, ...OsisUser[]]
  const members = ['user_id', 'cd_user_id', 'canonical_user_id', 'username'] as const
  const in_ = `tenant_id==${tenant.tenant_id}`
  for (const name of members) {
    assert.deepEqual((await query(`${name}==${user[name]};${in_}`)).items, [user], name)
    for (const wrong of [`${user[name]}x`, String(user[name]).slice(1), '%'])
      assert.deepEqual((await query(`${in_};${name}==${wrong}`)).items, [], `${name}==${wrong}`)
    // Ids of Usher that are UUIDs are found in either letter case; other values are compared exactly.
    const upper = (await query(`${in_};${name}==${String(user[name]).toUpperCase()}`)).items
    assert.deepEqual(upper, name === 'user_id' ? [user] : [], name)
  }
  assert.deepEqual((await query(in_)).items, users)
  assert.deepEqual((await query(`cd_tenant_id==${user.cd_tenant_id}`)).items.slice(0, 7), users)
  for (const active of [true, false]) {
    const found = (await query(`active==${active};${in_}`)).items
    assert.deepEqual(
      found,
      users.filter((one) => one.active === active),
    )
  }
})

test('raw and percent-encoded filters mean the same', async () => {
  const [user] = users as [OsisUser, ...OsisUser[]]
  const raw = `tenant_id==${tenant.tenant_id};cd_user_id==${user.cd_user_id};`
  for (const filter of [raw, encodeURIComponent(raw), raw.replaceAll('=', '%3d'), raw.replaceAll(';', '%3B')])
    assert.deepEqual((await getPage<OsisUser>(target, `/api/v1/users/query?filter=${filter}`)).items, [user])
})

test('an absent or empty filter matches everything', async () => {
  const { total } = (await getPage(target, '/api/v1/users/query')).page_info
  assert.ok(total >= 7)
  for (const filter of ['', ';', ';;;']) assert.equal((await query(filter)).page_info.total, total)
})

test('a filter that cannot be understood is refused, and never widens the query', async () => {
  const wrong = [
    ...['user_id', 'user_id=x', 'user_id==', '==x', '=', 'x', ';user_id==x', 'user_id==x;;active==true'],
    ...['userid==x', 'USER_ID==x', ' user_id==x', 'email==x', 'role==x', 'access_key==x', '__proto__==x'],
    ...['active==TRUE', 'active==1', 'active=="true"', 'user_id!=x', 'user_id==x;constructor==y'],
  ]
  for (const filter of wrong)
    assertBadRequest(await osis(target, { path: queryPath('users', filter) }), 'filter')
  const nul = await osis(target, { path: '/api/v1/users/query?filter=user_id==%00' })
  assertBadRequest(nul, 'filter')
  const twice = await osis(target, { path: '/api/v1/users/query?filter=user_id==a&filter=user_id==b' })
  assertBadRequest(twice, 'filter')
})

test('terms of one name that contradict each other match nothing', async () => {
  const [user] = users as [OsisUser, ...OsisUser[]]
  assert.deepEqual((await query(`username==${user.username};username==x`)).items, [])
  const twice = `user_id==${user.user_id};user_id==${user.user_id}`
  assert.deepEqual((await query(twice)).items, [user])
})

test('cd_tenant_id may be the id of a tenant', async () => {
  const { tenant_id } = tenant
  assert.deepEqual((await query(`cd_tenant_id==${tenant_id}`)).items, users)
  assert.deepEqual((await query(`cd_tenant_id==${tenant_id};tenant_id==${tenant_id}`)).items, users)
  const other = await newTenant(target)
  assert.deepEqual((await query(`cd_tenant_id==${tenant_id};tenant_id==${other.tenant_id}`)).items, [])
  const body = newOsisUser({ cd_tenant_id: tenant_id })
  const user = createdOf<OsisUser>(await createUser(target, other.tenant_id, body))
  assert.deepEqual((await query(`cd_tenant_id==${tenant_id}`)).items, [user])
  const path = `/api/v1/tenants/${other.tenant_id}/users/${user.user_id}`
  assert.equal((await osis(target, { method: 'DELETE', path })).status, 204)
})

test('display_name is a username, a user id of either side, or the name of the tenant', async () => {
  const [user] = users as [OsisUser, ...OsisUser[]]
  const in_ = `tenant_id==${tenant.tenant_id}`
  for (const value of [user.username, user.user_id, user.cd_user_id])
    assert.deepEqual((await query(`${in_};display_name==${value}`)).items, [user])
  assert.deepEqual((await query(`display_name==${tenant.name};${in_}`)).items, users)
  assert.deepEqual((await query(`${in_};display_name==${user.canonical_user_id}`)).items, [])
  // Without a term for the tenant, its name is a name like any other, and adds no users.
  assert.deepEqual((await query(`display_name==${tenant.name}`)).items, [])
})

test('the name of the tenant that the org is mapped to restricts the org no further', async () => {
  const name = `Mapped ${randomUUID()}`
  const mapped = await newTenant(target, name)
  const [org] = mapped.cd_tenant_ids
  const unmapped = randomUUID()
  const create = async (body: object): Promise<OsisUser> =>
    createdOf<OsisUser>(await createUser(target, mapped.tenant_id, newOsisUser({ ...body })))
  const found = [await create({ cd_tenant_id: org }), await create({ cd_tenant_id: org })]
  const stranger = await create({ cd_tenant_id: unmapped, username: name })
  const named = async (filter: string): Promise<readonly OsisUser[]> =>
    (await query(`${filter};display_name==${name}`)).items
  assert.deepEqual(await named(`cd_tenant_id==${org}`), found)
  assert.deepEqual(await named(`cd_tenant_id==${org};cd_user_id==${found[1]?.cd_user_id}`), [found[1]])
  // The org is not mapped, or the term for the tenant names another one.
  assert.deepEqual(await named(`cd_tenant_id==${unmapped}`), [stranger])
  assert.deepEqual(await named(`cd_tenant_id==${org};tenant_id==${tenant.tenant_id}`), [])
})

test('a value with blanks may be quoted, as RSQL does it', async () => {
  const [user] = users as [OsisUser, ...OsisUser[]]
  const in_ = `tenant_id==${tenant.tenant_id}`
  for (const value of [`"${user.username}"`, `'${user.username}'`])
    assert.deepEqual((await query(`${in_};username==${value}`)).items, [user])
  assert.deepEqual((await query(`${in_};username=="${user.username}'`)).items, [])
})

test('a user is found by the canonical id, percent-encoded as clients do', async () => {
  const [user] = users as [OsisUser, ...OsisUser[]]
  const path = `/api/v1/users/${encodeURIComponent(user.canonical_user_id)}`
  assert.ok(path.includes('%24'))
  const found = await osis(target, { path })
  assert.equal(found.status, 200)
  assert.deepEqual(jsonOf(found), user)
  const raw = await osis(target, { path: `/api/v1/users/${user.canonical_user_id}` })
  assert.deepEqual(jsonOf(raw), user)
  for (const id of ['nobody', user.user_id, `x${user.canonical_user_id}`, '%00', `${tenant.tenant_id}%2524x`])
    assertOsisError(await osis(target, { path: `/api/v1/users/${id}` }), 404, 'E_NOT_FOUND')
})

test('lists and queries need authentication', async () => {
  for (const path of [queryPath('users', ''), `/api/v1/tenants/${tenant.tenant_id}/users`, '/api/v1/users/x'])
    assert.equal((await send(target.url, { method: 'GET', path })).status, 401)
})
