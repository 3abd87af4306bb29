import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { openRoute, route } from '../../src/api/route.ts'
import { newValidatorCompiler } from '../../src/api/validation.ts'

/** A server with one route; its requests have no caller. */
function serve(options: RouteOptions): FastifyInstance {
  const app = Fastify()
  app.setValidatorCompiler(newValidatorCompiler())
  app.decorateRequest('context', null)
  app.route(options)
  return app
}

const document = { operationId: 'x', tags: ['X'], summary: 'X' }
const body = Type.Object({ name: Type.String() })
const responses = { 200: Type.String(), 204: Type.Null() }

test('a handler does not run on a body that does not fit its schema', async () => {
  let calls = 0
  const handle = () => {
    calls++
    return { status: 200, body: 'x' } as const
  }
  const app = serve(
    openRoute({ method: 'POST', url: '/x', document, schemas: { body }, responses, handle })({}),
  )
  for (const payload of [{}, { name: 5 }, [], undefined]) {
    const response = await app.inject({ method: 'POST', url: '/x', ...(payload && { payload }) })
    assert.equal(response.statusCode, 400)
  }
  assert.equal(calls, 0)
  const response = await app.inject({ method: 'POST', url: '/x', payload: { name: 'Ada' } })
  assert.deepEqual([response.statusCode, response.json(), calls], [200, 'x', 1])
})

test('a handler does not run for a caller that was not admitted', async () => {
  const declared = route({
    operation: 'GetTenant',
    method: 'GET',
    url: '/x',
    document,
    schemas: {},
    responses,
    handle: () => assert.fail('the handler ran'),
  })
  const response = await serve(declared({})).inject('/x')
  assert.equal(response.statusCode, 500)
  assert.match(response.body, /not admitted/)
})

test('a response has the declared type, its own headers, or no body', async () => {
  type Empty = { status: 204; headers: Record<string, string> }
  const send = async (handle: () => { status: 200; text: string } | Empty) => {
    const schemas = {
      200: { description: 'A picture', content: { 'image/svg+xml': { schema: Type.String() } } },
      204: Type.Null(),
    }
    const declared = openRoute({
      method: 'GET',
      url: '/x',
      document,
      schemas: {},
      responses: schemas,
      handle,
    })
    return serve(declared({})).inject('/x')
  }
  const headers = { 'content-type': 'image/svg+xml', etag: '"7"' }
  const picture = await send(() => ({ status: 200, headers, text: '<svg/>' }))
  assert.deepEqual([picture.body, picture.headers['content-type']], ['<svg/>', 'image/svg+xml'])
  const empty = await send(() => ({ status: 204, headers: { etag: '"8"' } }))
  assert.deepEqual([empty.statusCode, empty.body, empty.headers['content-type']], [204, '', undefined])
  assert.deepEqual([picture.headers.etag, empty.headers.etag], ['"7"', '"8"'])
})

test('the documents mark an operation that is ours', () => {
  const rest = {
    method: 'GET',
    url: '/x',
    schemas: {},
    responses,
    handle: () => ({ status: 204 as const }),
  } as const
  const declare = (texts: object) => openRoute({ ...rest, document: { ...document, ...texts } })({}).schema
  const schema: object = declare({ ours: true, description: 'Ours. X.' }) ?? {}
  assert.equal((schema as Record<string, unknown>)['x-usher-ours'], true)
  assert.equal('ours' in schema, false)
  assert.throws(() => declare({ ours: true, description: 'X.' }), /Ours/)
  assert.throws(() => declare({ description: 'Ours. X.' }), /Ours/)
})

test('the compiler refuses what is not declared', () => {
  const rest = { operation: 'GetTenant', method: 'POST', url: '/:id', document, responses } as const
  const schemas = { params: Type.Object({ id: Type.String() }), body }
  route({ ...rest, schemas, handle: ({ params }) => ({ status: 200, body: params.id }) })
  // @ts-expect-error: the status is not declared
  route({ ...rest, schemas, handle: () => ({ status: 201, body: 'x' }) })
  // @ts-expect-error: the body does not fit the schema of its status
  route({ ...rest, schemas, handle: () => ({ status: 200, body: 5 }) })
  // @ts-expect-error: a status without a body
  route({ ...rest, schemas, handle: () => ({ status: 204, body: 'x' }) })
  // @ts-expect-error: the query is not declared
  route({ ...rest, schemas, handle: ({ query }) => ({ status: 200, body: query.name }) })
  // @ts-expect-error: the subject is no path parameter
  route({ ...rest, schemas, subject: { target: 'name' }, handle: () => ({ status: 204 }) })
  // @ts-expect-error: an open route has no context
  openRoute({ ...rest, schemas, handle: ({ ctx }) => ({ status: 200, body: ctx.correlationId }) })
})
