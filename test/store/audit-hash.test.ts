import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallerName } from '../../src/model/context.ts'
import { formatCaller, hashEntry, newEntryHasher } from '../../src/store/audit/entry-rows.ts'
import { newEntry } from '../support/rows.ts'

/** Hashes that version 0.1.0 wrote. Logs with such hashes exist, and must stay valid. */
const HASHES: readonly (readonly [CallerName, hash: string])[] = [
  [{ kind: 'operator' }, 'Q_FleCRcHRC3VGNDw_MPhgkUUssGho_46uH-57OZOn8'],
  [{ kind: 'client', id: 'a-client' }, 'PKCvf6F6upg34ruQ_5hv3dEQ5_8fQXmT7K5NWUSU2QU'],
]

for (const [caller, hash] of HASHES) {
  test(`an entry of the caller ${caller.kind} has the same hash as before`, () => {
    const entry = newEntry({ id: 'entry', correlationId: 'correlation', caller, address: null })
    assert.equal(hashEntry(entry, formatCaller(caller), { block: 3, position: 2 }), hash)
  })
}

test('the address, the changes and the reseller of an entry have separate places in its hash', () => {
  const changes = [{ name: 'orgIds', before: [], after: [] }]
  const variants = [{}, { address: '192.0.2.1' }, { changes }, { reseller: '192.0.2.1' }]
  const both = [...variants, { address: '192.0.2.1', changes }, { address: 'a', changes, reseller: 'r' }]
  // The changes of a row are any JSON that was stored, so they can be the text of an address.
  const moved = { changes: '192.0.2.1' as unknown as typeof changes }
  const hashes = [...both, moved].map((one) =>
    hashEntry(newEntry({ id: 'e', correlationId: 'c', address: null, ...one }), 'c', {
      block: 3,
      position: 2,
    }),
  )
  assert.equal(new Set(hashes).size, hashes.length)
})

test('entries that are hashed together have the same hashes as alone', () => {
  const changes = [{ name: 'orgIds', before: [], after: ['"'] }]
  for (const variant of [{}, { address: '192.0.2.1' }, { changes }, { reseller: 'r', portal: 'a "b"' }]) {
    const shared = newEntry({ changedFields: ['email', 'groups'], ...variant })
    const hashOf = newEntryHasher(shared, 'caller', 7)
    for (const [position, own] of [
      { id: 'a', target: 'b' },
      { id: '"é\u2028', target: null },
    ].entries())
      assert.equal(hashOf(own, position), hashEntry({ ...shared, ...own }, 'caller', { block: 7, position }))
  }
})
