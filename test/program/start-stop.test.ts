import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getToken, type Init, newDataDir, runUsher, serve, serveNew, usherJson } from '../../testing/usher.ts'

test('a first start prints every secret once, and the log holds none of them', async () => {
  const { path, remove } = newDataDir()
  const first = await serve(path)
  const secrets = [...first.stdout().matchAll(/^\w+_SECRET=(.+)$/gm)].map((match) => match[1] ?? '')
  assert.equal(secrets.length, 2)
  assert.equal(await first.stop(), 0)
  const second = await serve(path)
  assert.equal(await second.stop(), 0)
  assert.equal(second.stdout(), '')
  for (const secret of secrets) assert.ok(!`${first.log()}${second.log()}`.includes(secret))
  remove()
})

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

test('a start with a wrong portal ends with 1 and the reason', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, stderr } = await runUsher(path, ['serve', '--portal', 'bad domain!'])
  assert.deepEqual([code, stderr], [1, 'usher: --portal must be a DNS name\n'])
})

test('a start with a host that does not exist ends with 1 and a plain line', async (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const { code, stderr } = await runUsher(path, ['serve'], { USHER_HOST: 'nonsense.invalid' })
  assert.equal(code, 1)
  assert.match(stderr, /^usher: cannot listen on USHER_HOST and USHER_PORT: /)
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
