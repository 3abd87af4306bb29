import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { send } from '../../testing/http.ts'
import { type ProcessTarget, startProcess } from '../../testing/target.ts'
import { newUser } from '../contract/portal.ts'

const MIB = 1024 * 1024

/** The most memory that the process ever had, in bytes. Only Linux tells. */
function readPeak({ process }: ProcessTarget): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

const skip = existsSync('/proc/self/status') ? false : 'no /proc'

test('200 authenticated bodies of 1 MiB at once take little memory', { skip }, async (t) => {
  const target = await startProcess()
  t.after(() => target.end())
  const call = {
    method: 'POST',
    path: `/v1/customer/${target.init.customer.id}/users`,
    headers: {
      authorization: `Bearer ${target.token}`,
      'x-tenant': target.init.portal,
      'content-type': 'application/json',
    },
  }
  assert.equal((await send(target.url, { ...call, body: JSON.stringify(newUser()) })).status, 201)
  const before = readPeak(target)
  const body = JSON.stringify(newUser({ padding: Array(Math.floor(MIB / 3)).fill([]) }))
  for (const chunked of [false, true]) {
    const responses = await Promise.allSettled(
      Array.from({ length: 200 }, () => send(target.url, { ...call, body, chunked })),
    )
    for (const response of responses)
      if (response.status === 'fulfilled')
        assert.ok([413, 503].includes(response.value.status), response.value.text)
    assert.ok(responses.some(({ status }) => status === 'fulfilled'))
  }
  const more = (readPeak(target) - before) / MIB
  assert.ok(more < 200, `${more.toFixed(0)} MiB more`)
  assert.equal((await send(target.url, { ...call, body: JSON.stringify(newUser()) })).status, 201)
})
