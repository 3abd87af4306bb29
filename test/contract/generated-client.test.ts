import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { generate } from 'orval'
import { send } from '../../testing/http.ts'
import { newDataDir } from '../../testing/usher.ts'
import { newEmail } from './portal.ts'
import { useTarget } from './target.ts'

interface Returned {
  readonly status: number
  readonly data: unknown
  readonly headers: Headers
}

/** The functions of the client, one for each operation. */
type Client = Readonly<Record<string, (...parts: unknown[]) => Promise<Returned>>>

const folder = newDataDir()
const file = join(folder.path, 'client.ts')
let client: Client = {}

const target = useTarget({}, async () => {
  const document = join(folder.path, 'customer.json')
  writeFileSync(document, (await send(target.url, { method: 'GET', path: '/openapi/customer.json' })).text)
  await generate({ input: document, output: { target: file, client: 'fetch', baseUrl: target.url } })
  client = (await import(file)) as Client
})
after(folder.remove)

test('a TypeScript client that is generated from the document manages people', async () => {
  const options = { headers: { 'X-Tenant': target.init.portal, Authorization: `Bearer ${target.token}` } }
  const call = async (name: string, ...parts: unknown[]): Promise<Returned> => {
    const operation = client[name] ?? assert.fail(`the client has no ${name}`)
    return operation(...parts, options)
  }
  const [customer, email] = [target.init.customer.id, newEmail()]
  const person = { firstName: 'Ada', lastName: 'Lovelace', email, groups: [] }
  const created = await call('createUser', customer, person, undefined)
  assert.equal(created.status, 201)
  const read = await call('getUser', created.data, undefined)
  assert.partialDeepStrictEqual(read.data, { id: created.data, email, role: { name: 'customer' } })
  const listed = await call('listCustomerUsers', customer, undefined)
  assert.ok((listed.data as { id: string }[]).some(({ id }) => id === created.data))
  assert.equal((await call('updateUser', email, { lastName: 'King' }, undefined)).status, 204)
  const found = await call('listUsers', { searchValue: email })
  assert.partialDeepStrictEqual(found.data, {
    totalCount: 1,
    items: [{ id: created.data, lastName: 'King' }],
  })
  assert.equal((await call('deleteUser', email, undefined)).status, 204)
  const refused = await call('createUser', customer, { ...person, email: 'no address' }, undefined)
  assert.partialDeepStrictEqual(refused, { status: 400, data: { errors: [{ propertyName: 'email' }] } })
})

test('the generated client compiles under strict rules', () => {
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc')
  const rules = ['--strict', '--target', 'esnext', '--module', 'nodenext', '--lib', 'esnext,dom,dom.iterable']
  execFileSync(tsc, ['--noEmit', '--ignoreConfig', ...rules, file], { encoding: 'utf8' })
})
