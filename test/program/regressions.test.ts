import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newDataDir, runUsher, serveNew, usherJson } from '../../testing/usher.ts'

interface Entry {
  readonly operation: string
  readonly target: string
}

test('a start with a portal that is no domain ends with 1 and says so', async () => {
  const { path, remove } = newDataDir()
  const { code, stderr } = await runUsher(path, ['serve', '--portal', 'bad domain!'])
  assert.deepEqual([code, stderr], [1, 'usher: domain must be a DNS name\n'])
  remove()
})

test('what OSIS did to a customer is found in the audit log by the customer', async (t) => {
  const usher = await serveNew()
  t.after(() => usher.end())
  const { client_id, client_secret } = usher.init.clients.osis
  const headers = {
    authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
    'content-type': 'application/json',
  }
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const response = await fetch(`${usher.url}/api/v1/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return (await response.json()) as Record<string, string>
  }
  const tenant = await post('tenants', { name: 'Acme', cd_tenant_ids: ['org'] })
  const user = await post(`tenants/${tenant.tenant_id}/users`, { cd_tenant_id: 'org', cd_user_id: 'u' })
  await usherJson(usher.dataDir, ['user', 'remove', user.user_id ?? ''])
  const customers = await usherJson<{ id: string; name: string }[]>(usher.dataDir, ['organization', 'list'])
  const acme = customers.find((one) => one.name === 'Acme')?.id ?? ''
  const entries = await usherJson<Entry[]>(usher.dataDir, ['audit', 'list', '--organization', acme])
  assert.deepEqual(
    entries.map((entry) => entry.operation),
    ['DeleteUser', 'CreateAccount', 'CreateTenant'],
  )
})

test('a host that does not exist ends a start with 1 and a plain line', async () => {
  const { path, remove } = newDataDir()
  const { code, stderr } = await runUsher(path, ['serve'], { USHER_HOST: 'nonsense.invalid' })
  assert.equal(code, 1)
  assert.match(stderr, /^usher: USHER_HOST and USHER_PORT cannot be listened on: /)
  remove()
})
