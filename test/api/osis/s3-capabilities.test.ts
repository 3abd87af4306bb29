import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseS3Capabilities } from '../../../src/api/osis/s3-capabilities.ts'

const WRONG: readonly (readonly [exclusions: unknown, message: RegExp])[] = [
  [undefined, /: exclusions is required$/],
  [{}, /: exclusions must have at least 1 member$/],
  [{ GetObject: { all: true } }, /: exclusions\.GetObject must be an S3 call in snake case$/],
  [{ get_object: true }, /: exclusions\.get_object must be object, not boolean$/],
  [{ get_object: { all: 'true' } }, /: exclusions\.get_object\.all must be boolean, not string$/],
  [{ get_object: { by_params: 'x' } }, /: exclusions\.get_object\.by_params must be array, not string$/],
  [
    { get_object: { by_params: [1] } },
    /: exclusions\.get_object\.by_params\[0\] must be string, not number$/,
  ],
  [{ get_object: { by_query: [] } }, /: exclusions\.get_object\.by_query is not allowed here$/],
]

for (const [exclusions, message] of WRONG) {
  test(`an operator's document with the exclusions ${JSON.stringify(exclusions)} is refused`, () => {
    assert.throws(() => parseS3Capabilities(JSON.stringify({ exclusions })), message)
  })
}

test("an operator's document that is no JSON object is refused, with the form that it must have", () => {
  assert.throws(() => parseS3Capabilities('{'), /^Error: must hold JSON of the form {"exclusions"/)
  assert.throws(() => parseS3Capabilities('[]'), /: the document must be object, not array$/)
})

test('an exclusion without a list is one of the whole call, and an empty list says nothing', () => {
  const exclusions = {
    head_object: {},
    get_object: { all: false, by_params: ['partNumber'], by_headers: [] },
  }
  assert.deepEqual(parseS3Capabilities(JSON.stringify({ exclusions })), {
    exclusions: { head_object: { all: true }, get_object: { by_params: ['partNumber'] } },
  })
})
