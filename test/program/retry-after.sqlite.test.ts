import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { basic, type HttpResponse, send } from '../../testing/http.ts'
import { startTarget } from '../../testing/target.ts'
import { newUser } from '../contract/portal.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

test('every 503 of every API says when to repeat the call', async (t) => {
  const target = await startTarget()
  t.after(() => target.end())
  const { administrator, osis, customer } = { ...target.init, ...target.init.clients }
  const rename = (from: string, to: string): void => {
    for (const end of ['', '-wal', '-shm'])
      renameSync(join(target.dataDir, `${from}${end}`), join(target.dataDir, `${to}${end}`))
  }
  rename('usher.db', 'gone.db')
  const token = { authorization: `Bearer ${target.token}`, 'x-tenant': target.init.portal }
  const login = { username: osis.client_id, password: osis.client_secret }
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...administrator }).toString()
  const calls: Parameters<typeof send>[1][] = [
    { method: 'GET', path: '/readyz' },
    { method: 'HEAD', path: '/readyz' },
    {
      ...{ method: 'POST', path: `/v1/customer/${customer?.id}/users` },
      ...{ headers: { ...token, ...JSON_TYPE }, body: JSON.stringify(newUser()) },
    },
    {
      ...{ method: 'POST', path: '/api/v1/tenants', body: '{"name":"Acme"}' },
      headers: { authorization: basic(osis.client_id, osis.client_secret), ...JSON_TYPE },
    },
    { method: 'POST', path: '/api/v1/auth/login', headers: JSON_TYPE, body: JSON.stringify(login) },
    {
      ...{ method: 'POST', path: '/oauth2/v2.0/token' },
      ...{ headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form },
    },
  ]
  const responses: HttpResponse[] = await Promise.all(calls.map((call) => send(target.url, call)))
  rename('gone.db', 'usher.db')
  for (const [place, { status, headers, text }] of responses.entries()) {
    const name = `${calls[place]?.method} ${calls[place]?.path}`
    assert.equal(status, 503, `${name}: ${status} ${text}`)
    assert.match(headers['retry-after'] ?? 'none', /^[1-9]\d*$/, name)
  }
})
