import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renamePath } from '../../src/model/error.ts'

const NAMES = {
  orgId: 'cd_tenant_id',
  'orgIds[]': 'cd_tenant_ids[]',
  'groupIds[]': 'groups[].id',
  'a[].b[]': 'x[].y[]',
}

const PATHS = [
  ['orgId', 'cd_tenant_id'],
  ['orgIds[0]', 'cd_tenant_ids[0]'],
  ['groupIds[12]', 'groups[12].id'],
  ['a[1].b[2]', 'x[1].y[2]'],
  ['groupIds', 'groupIds'],
  ['email', 'email'],
  ['groups[2].id', 'groups[2].id'],
] as const

for (const [path, name] of PATHS) {
  test(`${path} is ${name}`, () => assert.equal(renamePath(path, NAMES), name))
}
