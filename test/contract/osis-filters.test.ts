import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rounds } from '../../testing/full-length.ts'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { encoded, rawTarget } from './arbitrary.ts'
import {
  createdOf,
  createUser,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisCredential,
  type OsisPage,
  type OsisTenant,
  type OsisUser,
  osis,
} from './object-store.ts'
import { contradictionOf, getDocument, type Operation } from './openapi.ts'
import { useOwnTarget } from './target.ts'

const RUNS = rounds(80, 300)

let tenants: OsisTenant[]
const users: OsisUser[] = []
const credentials: OsisCredential[] = []

const target = useOwnTarget({}, async () => {
  tenants = [await newTenant(target, 'One'), await newTenant(target, 'Other')]
  // Few values, so that terms overlap; two are parts of each other, and one looks like a term.
  const names = ['ada', 'ada l', 'a==b', 'Zoë & Söhne', '%24+"x"']
  for (let i = 0; i < 20; i++) {
    const tenant = tenants[i % 2] ?? assert.fail()
    const body = newOsisUser({
      cd_tenant_id: `org ${i % 3}`,
      cd_user_id: `user==${i % 5}/${i}`,
      username: names[i % 5],
      active: i % 4 !== 0,
    })
    const user = createdOf<OsisUser>(await createUser(target, tenant.tenant_id, body))
    users.push(user)
    if (i % 3 === 0) {
      const path = `/api/v1/tenants/${user.tenant_id}/users/${user.user_id}/s3credentials`
      const key = createdOf<OsisCredential>(await osis(target, { method: 'POST', path }))
      const patch = { method: 'PATCH', path: `/api/v1/s3credentials/${key.access_key}` }
      await osis(target, { ...patch, body: { active: false } })
    }
    credentials.push(...(await listCredentials(target, user)).items)
  }
  const order = new Map((await all<OsisCredential>('s3credentials')).map((one, i) => [one.access_key, i]))
  credentials.sort((a, b) => (order.get(a.access_key) ?? 0) - (order.get(b.access_key) ?? 0))
})

async function all<T>(kind: string): Promise<readonly T[]> {
  return jsonOf<OsisPage<T>>(await osis(target, { path: `/api/v1/${kind}/query?limit=1000` })).items
}

type Term = readonly [name: string, value: string]

/** Some terms with values that exist, sometimes with one that does not, in any order, sometimes repeated. */
function anyTerms<T extends object>(
  items: readonly T[],
  names: readonly (keyof T & string)[],
): fc.Arbitrary<Term[]> {
  const term = fc.constantFrom(...names).chain((name) => {
    const values = [...new Set(items.map((item) => String(item[name])))]
    const value = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...values) }, fc.constant('nobody'))
    return value.map((text): Term => [name, name === 'active' && text === 'nobody' ? 'true' : text])
  })
  return fc.array(term, { maxLength: 3 })
}

/**
 * How a filter may be written: raw, percent-encoded, or encoded twice, also as Java and forms do it, where a blank is a
 * plus; with any number of semicolons at the end.
 */
const anySpelling = fc.record({
  end: fc.constantFrom('', ';', ';;'),
  form: fc.constantFrom('raw', 'encoded', 'encoded twice', 'as a form', 'as a form twice'),
  offset: fc.integer({ min: 0, max: 5 }),
  limit: fc.integer({ min: 0, max: 30 }),
})

function asForm(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function spell(terms: readonly Term[], { end, form }: { end: string; form: string }): string {
  const encode = form.startsWith('as a form') ? asForm : encoded
  const separators = form === 'raw' ? ['==', ';'] : ['%3D%3D', '%3B']
  const [equals, and] = separators as [string, string]
  const once = terms.map(([name, value]) => `${name}${equals}${encode(value)}`).join(and)
  return (form.endsWith('twice') ? encode(once) : once) + end
}

async function assertFilters<T extends object>(
  kind: string,
  items: readonly T[],
  names: readonly (keyof T & string)[],
): Promise<void> {
  const property = fc.asyncProperty(anyTerms(items, names), anySpelling, async (terms, spelling) => {
    const { offset, limit } = spelling
    const path = `/api/v1/${kind}/query?filter=${spell(terms, spelling)}&offset=${offset}&limit=${limit}`
    const response = await osis(target, { path })
    assert.equal(response.status, 200, response.text)
    const matching = items.filter((item) =>
      terms.every(([name, value]) => String(item[name as keyof T]) === value),
    )
    assert.deepEqual(jsonOf(response), {
      items: matching.slice(offset, offset + limit),
      page_info: { limit, offset, total: matching.length },
    })
  })
  await fc.assert(property, { numRuns: RUNS })
}

test('any terms about users find exactly the users that have all of them', async () => {
  const names = [
    'user_id',
    'canonical_user_id',
    'tenant_id',
    'cd_user_id',
    'cd_tenant_id',
    'username',
    'active',
  ] as const
  await assertFilters('users', users, names)
})

test('any terms about credentials find exactly the credentials that have all of them', async () => {
  const names = ['access_key', 'tenant_id', 'user_id', 'cd_user_id', 'cd_tenant_id', 'active'] as const
  await assertFilters('s3credentials', credentials, names)
})

test('a display name finds exactly the users that it names', async () => {
  const texts = fc.constantFrom(
    ...users.flatMap((user) => [user.username, user.user_id, user.cd_user_id, user.canonical_user_id]),
    'One',
    'Other',
    'nobody',
  )
  const property = fc.asyncProperty(texts, fc.constantFrom(undefined, 0, 1), async (text, place) => {
    const tenant = place === undefined ? undefined : tenants[place]
    const filter = encodeURIComponent(
      `${tenant ? `tenant_id==${tenant.tenant_id};` : ''}display_name==${text}`,
    )
    const response = await osis(target, { path: `/api/v1/users/query?filter=${filter}` })
    const matching = users
      .filter((user) => !tenant || user.tenant_id === tenant.tenant_id)
      .filter(
        (user) => text === tenant?.name || [user.username, user.user_id, user.cd_user_id].includes(text),
      )
    assert.deepEqual(jsonOf<OsisPage<OsisUser>>(response).items, matching)
  })
  await fc.assert(property, { numRuns: RUNS })
})

test('any filter gets a documented response, and more terms never find more', async () => {
  const { paths } = await getDocument(target.url, 'osis')
  const operations: Record<string, Operation> = {}
  for (const kind of ['tenants', 'users', 's3credentials'])
    operations[kind] = paths[`/api/v1/${kind}/query`]?.get ?? assert.fail(kind)
  const text = fc.oneof(
    rawTarget.map((one) => one.replace(/[?#&]/g, '')),
    fc.string().map(encoded),
  )
  const property = fc.asyncProperty(
    fc.constantFrom('tenants', 'users', 's3credentials'),
    text,
    async (kind, one) => {
      const response: HttpResponse = await osis(target, {
        path: `/api/v1/${kind}/query?filter=tenant_id==nobody;${one}`,
      })
      assert.equal(contradictionOf(operations[kind] ?? assert.fail(), response), undefined)
      if (response.status === 200) assert.equal(jsonOf<OsisPage<object>>(response).page_info.total, 0)
    },
  )
  await fc.assert(property, { numRuns: RUNS })
})
