import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { queryDatabase } from '../../testing/query.ts'
import { initialise, newDataDir, runUsher, serve, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
after(remove)

interface Migrated {
  readonly sharedEmails: readonly { readonly id: string; readonly olderId: string; readonly email: string }[]
}

test('after an upgrade, usher migrate and the server name the users who share an address', async () => {
  const { customer } = await initialise(path)
  const add = async (email: string): Promise<string> => {
    const words = ['user', 'add', '--organization', customer.id, '--email', email]
    return (await usherJson<{ id: string }>(path, words)).id
  }
  const older = await add('straße@example.com')
  const younger = await add('other@example.com')
  // As 0.1.0 left them.
  const url = `sqlite:${path}/usher.db`
  await queryDatabase(url, "UPDATE users SET email_key = email WHERE email LIKE 'stra%'")
  const strasse = "email = 'strasse@example.com', email_key = 'strasse@example.com'"
  await queryDatabase(url, `UPDATE users SET ${strasse} WHERE id = ?`, younger)
  await queryDatabase(url, "DELETE FROM migrations WHERE name = 'folded-keys'")
  await queryDatabase(url, 'DROP INDEX users_shared_email')

  const { sharedEmails } = await usherJson<Migrated>(path, ['migrate'])
  assert.deepEqual(sharedEmails, [
    { id: younger, email: 'strasse@example.com', olderId: older, organization: customer.id },
  ])
  const { stdout } = await runUsher(path, ['migrate'])
  assert.ok(stdout.includes(younger) && stdout.includes(older), stdout)
  const served = await serve(path)
  await served.stop()
  assert.match(served.log(), /"users":1,.*usher migrate lists them/)
  // The address still finds the older user, and the younger one can be removed by id.
  assert.equal(await add('STRASSE@example.com'), older)
  await usherJson(path, ['user', 'remove', younger])
  assert.deepEqual((await usherJson<Migrated>(path, ['migrate'])).sharedEmails, [])
})
