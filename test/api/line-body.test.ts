import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { toLineBody } from '../../src/api/line-body.ts'

const LINE = 'x'.repeat(1024 * 1024)

test('lines end when the caller goes away while a long response is sent', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  async function* lines() {
    try {
      for (;;) yield LINE
    } finally {
      resolve('ended')
    }
  }
  const body = await toLineBody(lines())
  assert.ok(body instanceof Readable)
  body.resume()
  await once(body, 'data')
  body.destroy()
  assert.equal(await promise, 'ended')
})

test('all lines of a long response are sent, and of a short one at once', async () => {
  async function* lines(count: number) {
    for (let i = 0; i < count; i++) yield LINE
  }
  assert.equal(await toLineBody(lines(2)), LINE + LINE)
  const body = await toLineBody(lines(12))
  assert.ok(body instanceof Readable)
  let length = 0
  for await (const part of body) length += (part as Buffer).length
  assert.equal(length, 12 * LINE.length)
})
