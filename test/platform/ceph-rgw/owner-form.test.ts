import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CEPH_RGW_OWNER_FORM as form } from '../../../src/platform/ceph-rgw/owner-form.ts'

test('a canonical user id joins tenant and user', () => {
  assert.equal(form.toCanonicalId({ tenantId: 'acme_x', userId: 'u' }), 'acme_x$u')
  assert.deepEqual(form.fromCanonicalId('acme_x$u'), { tenantId: 'acme_x', userId: 'u' })
})

test('an id without tenant, without user, or with a third part is of another form', () => {
  for (const id of ['', 'admin', '$u', 'acme$', 'acme$oidc$sub'])
    assert.equal(form.fromCanonicalId(id), undefined, id)
})
