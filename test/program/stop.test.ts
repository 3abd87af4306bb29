import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getToken, type Init, serveNew, usherJson } from '../../testing/usher.ts'

test('SIGTERM stops a server within 5 s and with 0', async () => {
  const usher = await serveNew()
  assert.equal((await fetch(`${usher.url}/readyz`)).status, 200)
  const begun = Date.now()
  assert.equal(await usher.stop(), 0)
  assert.ok(Date.now() - begun < 5_000)
  await usher.end()
})

test('SIGTERM in the middle of creates completes those in progress, and loses none that was confirmed', async (t) => {
  const usher = await serveNew()
  t.after(() => usher.end())
  const token = await getToken(usher.url, usher.init.clients.administrator)
  const answered: string[] = []
  let stopping: Promise<number | null> | undefined
  const create = async (worker: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const email = `w${worker}.${i}@example.com`
      const response = await createUser(usher.url, usher.init, { token, email }).catch(() => undefined)
      if (!response) return
      assert.equal(response.status, 201)
      answered.push(email)
      if (answered.length === 200) stopping = usher.stop()
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, worker) => create(worker)))
  assert.equal(await stopping, 0)
  const words = ['user', 'list', '--organization', usher.init.customer.id]
  const kept = await usherJson<{ email: string }[]>(usher.dataDir, words)
  const emails = new Set(kept.map((user) => user.email))
  assert.deepEqual(
    answered.filter((email) => !emails.has(email)),
    [],
  )
})

function createUser(url: string, init: Init, user: { token: string; email: string }): Promise<Response> {
  return fetch(`${url}/v1/customer/${init.customer.id}/users`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-tenant': init.portal,
      authorization: `Bearer ${user.token}`,
    },
    body: JSON.stringify({ firstName: null, lastName: null, email: user.email, groups: [] }),
  })
}
