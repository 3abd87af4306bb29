import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { send } from '../../testing/http.ts'
import { assertInvalid, create, errorOf, idOf, newEmail, newUser, UUID, without } from './portal.ts'
import { useTarget } from './target.ts'

const LIMIT = 128 * 1024

const target = useTarget()

test('each required member must be there', async () => {
  for (const name of ['firstName', 'lastName', 'email', 'groups'])
    assertInvalid(await create(target, without(newUser(), name)), [name])
})

test('one response has all errors of all parts, sorted by property', async () => {
  const body = {
    id: 'x',
    firstName: 1,
    email: 'nobody',
    role: { name: 'customer' },
    groups: [{ id: 'y' }, {}],
  }
  const response = await create(target, body, {
    customer: 'nobody',
    query: '?resellerId=nobody',
    headers: { 'x-tenant': undefined, 'x-correlation-id': 'string', 'idempotency-key': 'a b' },
  })
  const names = ['Idempotency-Key', 'X-Correlation-Id', 'X-Tenant', 'customerId', 'email', 'firstName']
  assertInvalid(response, [
    ...names,
    'groups[0].id',
    'groups[1].id',
    'id',
    'lastName',
    'resellerId',
    'role.name',
  ])
})

test('a member that breaks two rules is named once, with a text for each', async () => {
  const email = `${'a'.repeat(300)}\u0000`
  const { errors } = errorOf(await create(target, newUser({ email })), 400, 'ValidationError')
  assert.equal(errors.length, 1)
  assert.equal(errors[0]?.propertyName, 'email')
  assert.ok((errors[0]?.description.length ?? 0) >= 2)
})

test('malformed JSON is named as the body', async () => {
  for (const text of [
    '{',
    '{"firstName":}',
    'hello',
    '{"a":1}}',
    "{'a':1}",
    '\ufeff\ufeff{}',
    '{"a":01}',
    '{"a":NaN}',
  ])
    assertInvalid(await create(target, text), ['body'])
})

test('malformed JSON is reported together with what is wrong with the other parts', async () => {
  const headers = { 'x-tenant': undefined, 'x-correlation-id': 'string' }
  const call = { customer: 'nobody', query: '?resellerId=nobody', headers }
  assertInvalid(await create(target, '{', call), [
    'X-Correlation-Id',
    'X-Tenant',
    'body',
    'customerId',
    'resellerId',
  ])
})

test('a response about malformed JSON quotes nothing of it', async () => {
  const response = await create(target, '{"password":"hunter2" "x"}')
  assertInvalid(response, ['body'])
  assert.doesNotMatch(response.text, /hunter2|password/)
})

test('a body that is not UTF-8 is malformed', async () => {
  const [head, tail] = JSON.stringify(newUser({ firstName: '*' })).split('*')
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    const body = Buffer.concat([Buffer.from(head ?? ''), Buffer.from(bytes), Buffer.from(tail ?? '')])
    assertInvalid(await create(target, body), ['body'])
  }
})

test('a body that is no object, or none at all, is named as the body', async () => {
  for (const text of ['null', '[]', '"text"', '5', 'true', ''])
    assertInvalid(await create(target, text), ['body'])
})

test('another content type is refused with 415', async () => {
  for (const type of [
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ]) {
    const response = await create(target, newUser(), { headers: { 'content-type': type } })
    errorOf(response, 415, 'UnsupportedMediaType')
  }
})

test('a body without a content type is refused with 415', async () => {
  const response = await create(target, newUser(), { headers: { 'content-type': undefined } })
  errorOf(response, 415, 'UnsupportedMediaType')
})

test('JSON with a charset, in any case, is JSON', async () => {
  for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])
    idOf(await create(target, newUser(), { headers: { 'content-type': type } }))
})

/** A right create of exactly so many bytes. */
function bodyOf(bytes: number): string {
  const user = newUser({ padding: '' })
  return JSON.stringify({ ...user, padding: 'x'.repeat(bytes - JSON.stringify(user).length) })
}

test('a body of 128 KiB is taken', async () => {
  idOf(await create(target, bodyOf(LIMIT)))
})

test('a body over 128 KiB is refused with 413', async () => {
  errorOf(await create(target, bodyOf(LIMIT + 1)), 413, 'PayloadTooLarge')
})

test('a body over 128 KiB that does not say its length is refused with 413', async () => {
  const response = await send(target.url, {
    method: 'POST',
    path: `/v1/customer/${target.init.customer.id}/users`,
    headers: {
      'content-type': 'application/json',
      'x-tenant': target.init.portal,
      authorization: `Bearer ${target.token}`,
    },
    body: bodyOf(LIMIT + 1),
    chunked: true,
  })
  errorOf(response, 413, 'PayloadTooLarge')
})

test('names have at most 255 code points', async () => {
  for (const character of ['x', 'é', '漢', '🦉', 'e\u0301'.slice(1)]) {
    const most = character.repeat(255)
    idOf(await create(target, newUser({ firstName: most, lastName: most })))
    const more = character.repeat(256)
    assertInvalid(await create(target, newUser({ firstName: more })), ['firstName'])
    assertInvalid(await create(target, newUser({ lastName: more })), ['lastName'])
  }
})

/** An e-mail address of so many characters, none of whose parts is too long for the mail protocols. */
function emailOf(length: number, character = 'a'): string {
  const local = character.repeat(30)
  const domain = ['b', 'c', 'd', 'e'].map((letter) => letter.repeat(50)).join('.')
  const rest = length - [...local].length - 1 - domain.length - 1
  return `${local}@${domain}.${'f'.repeat(rest)}`
}

test('an e-mail address has at most 255 code points', async () => {
  for (const character of ['a', '𐐨']) {
    assert.equal([...emailOf(255, character)].length, 255)
    idOf(await create(target, newUser({ email: emailOf(255, character) })))
    assertInvalid(await create(target, newUser({ email: emailOf(256, character) })), ['email'])
  }
})

test('a name may be empty', async () => {
  idOf(await create(target, newUser({ firstName: '', lastName: '' })))
})

test('U+0000 is refused in names and e-mail', async () => {
  for (const name of ['firstName', 'lastName', 'email'])
    assertInvalid(await create(target, newUser({ [name]: `a\u0000${newEmail()}` })), [name])
})

test('a lone surrogate is refused in names and e-mail', async () => {
  for (const name of ['firstName', 'lastName', 'email']) {
    for (const lone of ['\ud83e', '\udd89', '\udd89\ud83e']) {
      const body = newUser({ [name]: `${lone}${newEmail()}` })
      // JSON.stringify writes a lone surrogate as an escape, which is well-formed JSON.
      assertInvalid(await create(target, body), [name])
    }
  }
})

test('a member of another type is named', async () => {
  for (const name of ['firstName', 'lastName', 'email'])
    for (const value of [1, true, {}, ['x']])
      assertInvalid(await create(target, newUser({ [name]: value })), [name])
  for (const groups of ['x', 1, {}, true])
    assertInvalid(await create(target, newUser({ groups })), ['groups'])
  for (const role of [null, 'x', 1, []]) assertInvalid(await create(target, newUser({ role })), ['role'])
  for (const id of [null, 1, {}, []]) assertInvalid(await create(target, newUser({ id })), ['id'])
})

test('a string that is no e-mail address is refused', async () => {
  const wrong = [
    '',
    ' ',
    'ada',
    '@example.com',
    'ada@',
    'a b@example.com',
    'a@b@example.com',
    'a..b@example.com',
  ]
  for (const email of [
    ...wrong,
    '.a@example.com',
    'a.@example.com',
    'a@-x.com',
    'a@x..com',
    ' a@example.com',
    'a@x.com\n',
  ])
    assertInvalid(await create(target, newUser({ email })), ['email'])
})

test('usual e-mail addresses are accepted', async () => {
  for (const local of ['a+tag', "o'neil", 'jürgen', 'x_y-z', '用户', 'a.b.c'])
    idOf(await create(target, newUser({ email: `${local}.${newEmail()}` })))
  idOf(await create(target, newUser({ email: `${randomUUID()}@bücher.example` })))
})

const NO_UUIDS = ['x', '0199f3a0', `{${randomUUID()}}`, `${randomUUID()}0`, randomUUID().replaceAll('-', '')]

test('an id that is no UUID is named, wherever it stands', async () => {
  for (const wrong of ['', ...NO_UUIDS]) {
    assertInvalid(await create(target, newUser({ id: wrong })), ['id'])
    assertInvalid(await create(target, newUser({ groups: [{ id: wrong }] })), ['groups[0].id'])
    assertInvalid(await create(target, newUser(), { query: `?resellerId=${wrong}` }), ['resellerId'])
  }
  for (const wrong of NO_UUIDS)
    assertInvalid(await create(target, newUser(), { customer: encodeURIComponent(wrong) }), ['customerId'])
})

test('a resellerId given twice is refused', async () => {
  const { id } = target.init.reseller
  const response = await create(target, newUser(), { query: `?resellerId=${id}&resellerId=${id}` })
  assertInvalid(response, ['resellerId'])
})

test('unknown query parameters are ignored', async () => {
  idOf(await create(target, newUser(), { query: '?page=1&__proto__=x&customerId=y&a[]=1' }))
})

test('a role with a property is refused', async () => {
  assertInvalid(await create(target, newUser({ role: { name: 'customer' } })), ['role.name'])
  assertInvalid(await create(target, newUser({ role: { admin: true } })), ['role.admin'])
})

test('a group that is no object, or has no id, is named by its place', async () => {
  const groups = [null, 'x', {}, { id: null }, { name: 'Viewer' }, { id: target.init.groups.Viewer, name: 5 }]
  const names = ['groups[0]', 'groups[1]', 'groups[2].id', 'groups[3].id', 'groups[4].id', 'groups[5].name']
  assertInvalid(await create(target, newUser({ groups })), names)
})

test('a malformed X-Correlation-Id is named, and another one is made', async () => {
  for (const wrong of ['string', `prefix-${randomUUID()}`, '']) {
    const response = await create(target, newUser(), { headers: { 'x-correlation-id': wrong } })
    assertInvalid(response, ['X-Correlation-Id'])
    assert.match(String(response.headers['x-correlation-id']), UUID)
  }
})

test('an Idempotency-Key is printable ASCII of at most 255 characters', async () => {
  const key = (length: number): string => randomUUID().padEnd(length, 'x')
  idOf(await create(target, newUser(), { headers: { 'idempotency-key': key(255) } }))
  for (const wrong of ['', key(256), 'a b', 'ü'])
    assertInvalid(await create(target, newUser(), { headers: { 'idempotency-key': wrong } }), [
      'Idempotency-Key',
    ])
})

test('a body full of mistakes is refused at once, with a response of moderate size', async () => {
  const roles = Object.fromEntries(new Array(10_000).fill(0).map((_, i) => [`r${i}`, 1]))
  for (const body of [newUser({ groups: new Array(40_000).fill({}) }), newUser({ role: roles })]) {
    const begun = Date.now()
    const { status, text } = await create(target, body)
    assert.equal(status, 400)
    assert.ok(text.length < 100_000, `${text.length} characters`)
    assert.ok(Date.now() - begun < 1_000)
  }
})
