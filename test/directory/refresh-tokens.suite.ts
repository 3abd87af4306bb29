import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  createRefreshToken,
  deleteOldRefreshTokens,
  findClientOfRefreshToken,
  findRefreshToken,
  listRefreshTokens,
  revokeRefreshToken,
  useRefreshToken,
} from '../../src/directory/refresh-tokens.ts'
import { newId } from '../../src/model/ids.ts'
import { addClient, clientIdOf, newTestDirectory, readAudit, refusedAs } from '../support/directories.ts'
import { countRows } from '../support/rows.ts'
import type { OpenStore } from '../support/stores.ts'

/** Stands in for the signing of a refresh token. */
const sign = async ({ id }: { id: string }): Promise<string> => `token ${id}`

/** Which refresh tokens of OSIS are valid. */
export function refreshTokensSuite(open: OpenStore): void {
  describe('refresh tokens', () => {
    test('a client has at most 100 valid refresh tokens: a new one revokes the oldest', async () => {
      const on = await newTestDirectory(open)
      const { dir, osis, operator } = on
      const other = await addClient(on, on.setup.provider.id, 'osis')
      const kept = await createRefreshToken(dir, other, { seconds: 60, sign })
      const ids: string[] = []
      for (let i = 0; i < 98; i++) ids.push((await createRefreshToken(dir, osis, { seconds: 60, sign })).id)
      // Logins at the same moment do not pass the limit either.
      const create = () => createRefreshToken(dir, osis, { seconds: 60, sign })
      for (const { id } of await Promise.all(Array.from({ length: 7 }, create))) ids.push(id)
      const listed = await listRefreshTokens(dir, operator)
      const valid = listed.filter((one) => one.revokedAt === null && one.clientId === clientIdOf(osis))
      assert.equal(valid.length, 100)
      assert.deepEqual(
        listed.filter((one) => one.revokedAt !== null).map((one) => one.id),
        ids.slice(0, 5),
      )
      assert.equal(listed.find((one) => one.id === kept.id)?.revokedAt, null)
      const revoked = (await readAudit(dir)).filter((entry) => entry.operation === 'RevokeRefreshToken')
      assert.deepEqual(revoked.map((entry) => entry.target).reverse(), ids.slice(0, 5))
    })

    test('of the revoked refresh tokens of a client 100 are kept', async () => {
      const on = await newTestDirectory(open)
      const { dir, osis, operator } = on
      for (let i = 0; i < 102; i++) {
        const { id } = await createRefreshToken(dir, osis, { seconds: 60, sign })
        await revokeRefreshToken(dir, operator, id)
      }
      const last = await createRefreshToken(dir, osis, { seconds: 60, sign })
      const listed = await listRefreshTokens(dir, operator)
      assert.equal(listed.length, 101)
      assert.deepEqual([listed.at(-1)?.id, listed.at(-1)?.revokedAt], [last.id, null])
    })

    test('the row decides which token was issued', async () => {
      const on = await newTestDirectory(open)
      const { dir, osis } = on
      const { id, token } = await createRefreshToken(dir, osis, { seconds: 60, sign })
      const match = async (text: string) => (await findRefreshToken(dir, { id, token: text }))?.match
      assert.deepEqual([await match(token), await match('forged')], ['same', 'different'])
      assert.equal(await useRefreshToken(dir, osis, { id, token: 'forged' }), false)
      assert.equal(await useRefreshToken(dir, osis, { id, token }), true)
      await dir.store.write((tx) =>
        tx.query((db) => db.updateTable('refresh_tokens').set({ token_hash: null })),
      )
      assert.equal(await match(token), 'unknown')
      const used = await Promise.all(
        [token, 'other'].map((text) => useRefreshToken(dir, osis, { id, token: text })),
      )
      assert.deepEqual(used.sort(), [false, true])
      on.clock.now = new Date(on.clock.now.getTime() + 60_000)
      assert.equal((await findRefreshToken(dir, { id, token }))?.expired, true)
      assert.equal(await useRefreshToken(dir, osis, { id, token }), false)
    })

    test('a refresh token is valid until it is revoked or expires, or its client is removed', async () => {
      const on = await newTestDirectory(open)
      const { dir, osis } = on
      const find = async (id: string) => (await findClientOfRefreshToken(dir, id))?.id
      const one = await createRefreshToken(dir, osis, { seconds: 60, sign })
      const other = await createRefreshToken(dir, osis, { seconds: 3_600, sign })
      assert.deepEqual([await find(one.id), await find(other.id)], [clientIdOf(osis), clientIdOf(osis)])
      assert.equal(await find(newId()), undefined)
      await revokeRefreshToken(dir, on.operator, one.id)
      assert.deepEqual([await find(one.id), await find(other.id)], [undefined, clientIdOf(osis)])
      await assert.rejects(
        revokeRefreshToken(dir, on.operator, newId()),
        refusedAs('refresh_token_not_found'),
      )
      assert.deepEqual(
        (await listRefreshTokens(dir, on.operator)).map((token) => [token.id, token.revokedAt !== null]),
        [
          [one.id, true],
          [other.id, false],
        ],
      )
      on.clock.now = new Date(on.clock.now.getTime() + 3_600_000)
      assert.equal(await find(other.id), undefined)
      await deleteOldRefreshTokens(dir)
      assert.deepEqual(await countRows(dir.store, ['refresh_tokens']), { refresh_tokens: 0 })
    })
  })
}
