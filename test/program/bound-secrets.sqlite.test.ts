import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Reachable, serveHere, startTarget } from '../../testing/target.ts'
import {
  createdOf,
  createUser,
  getPage,
  listCredentials,
  newOsisUser,
  newTenant,
  type OsisCredential,
  type OsisUser,
  queryPath,
} from '../contract/object-store.ts'
import { sealAsIn01 } from '../support/old-seals.ts'
import { queryStore } from '../support/stored.ts'

test('a credential whose row was moved to another account is not served there', async (t) => {
  const target = await startTarget()
  t.after(() => target.end())
  const { tenant_id } = await newTenant(target)
  const add = async (): Promise<OsisUser> =>
    createdOf<OsisUser>(await createUser(target, tenant_id, newOsisUser()))
  const [ada, eve] = [await add(), await add()]
  const [own] = (await listCredentials(target, ada)).items
  const [other] = (await listCredentials(target, eve)).items
  const account = '(SELECT account_pk FROM credentials AS one WHERE one.access_key = ?)'
  await queryStore(
    target.dataDir,
    `UPDATE credentials SET account_pk = ${account} WHERE access_key = ?`,
    ...[other?.access_key ?? '', own?.access_key ?? ''],
  )
  const moved = (await listCredentials(target, eve)).items
  assert.deepEqual(moved.map((one) => one.secret_key).sort(), ['Not Available', other?.secret_key].sort())
})

test('a start serves the secrets that 0.1 sealed, and seals them again', async (t) => {
  const target = await startTarget()
  t.after(() => target.end())
  const { tenant_id } = await newTenant(target)
  for (let i = 0; i < 3; i++) createdOf(await createUser(target, tenant_id, newOsisUser()))
  const read = async (on: Reachable): Promise<readonly OsisCredential[]> =>
    (await getPage<OsisCredential>(on, queryPath('s3credentials', `tenant_id==${tenant_id}`))).items
  const before = await read(target)
  await target.stop()
  const key = Buffer.from(readFileSync(join(target.dataDir, 'master.key'), 'utf8').trim(), 'base64')
  for (const { access_key, secret_key } of before)
    await queryStore(
      target.dataDir,
      'UPDATE credentials SET sealed_secret = ? WHERE access_key = ?',
      sealAsIn01(key, secret_key, `credential:${access_key}`),
      access_key,
    )
  const again = await serveHere(target.dataDir)
  t.after(() => again.stop())
  assert.equal(before.length, 3)
  assert.deepEqual(await read({ ...target, url: again.url }), before)
  const rows = await queryStore(target.dataDir, 'SELECT sealed_secret FROM credentials')
  for (const row of rows) assert.match(String(row.sealed_secret), /^2\./)
})
