import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareParts } from '../../src/api/shared-parts.ts'

const pet = { title: 'Pet', type: 'object', properties: { name: { type: 'string' } } }
const failed = { description: 'Not Found', content: { 'application/json': { schema: pet } } }

test('named schemas and shared failures become components, and everything else stays', () => {
  const list = { title: 'a list', type: 'array', items: pet }
  const other = { ...pet, required: ['name'] }
  const document: Record<string, unknown> = {
    components: { securitySchemes: { bearer: { type: 'http' } } },
    paths: {
      '/one': {
        get: { responses: { 200: { description: 'OK', content: { json: { schema: list } } }, 404: failed } },
        post: { requestBody: { content: { json: { schema: other } } }, responses: { 404: failed } },
      },
    },
  }
  shareParts(document)
  const [pets, absent] = [{ $ref: '#/components/schemas/Pet' }, { $ref: '#/components/responses/NotFound' }]
  assert.deepEqual(document, {
    components: {
      securitySchemes: { bearer: { type: 'http' } },
      schemas: { Pet: pet },
      responses: { NotFound: { ...failed, content: { 'application/json': { schema: pets } } } },
    },
    paths: {
      '/one': {
        get: {
          responses: {
            200: { description: 'OK', content: { json: { schema: { ...list, items: pets } } } },
            404: absent,
          },
        },
        // Another schema of the same name is not the shared one.
        post: { requestBody: { content: { json: { schema: other } } }, responses: { 404: absent } },
      },
    },
  })
})
