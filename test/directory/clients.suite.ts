import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  hasSecretId,
  isSecretOf,
  noteClientUse,
  toSecretId,
  writeClientUses,
} from '../../src/directory/client-secrets.ts'
import {
  createClient,
  deleteClient,
  findClient,
  findClientOfToken,
  getClient,
  listClients,
  type Rotation,
  rotateClient,
} from '../../src/directory/clients.ts'
import { deleteCustomer } from '../../src/directory/deletion.ts'
import { suspendCustomer } from '../../src/directory/suspension.ts'
import type { Client } from '../../src/model/clients.ts'
import type { Context } from '../../src/model/context.ts'
import { newId } from '../../src/model/ids.ts'
import {
  addClient,
  addOrganization,
  clientIdOf,
  newTestDirectory,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

const HOUR = 60 * 60 * 1000

interface Started {
  readonly on: TestDirectory
  readonly id: string
  readonly secret: string
  /** The time so many hours from the start. */
  readonly at: (hours: number) => string
}

/** A client with a secret, of the reseller of a new directory. */
async function start(open: OpenStore): Promise<Started> {
  const on = await newTestDirectory(open)
  const input = { organizationId: on.resellerId, name: 'Billing', permission: 'administrator' } as const
  const { id, secret } = await createClient(on.dir, on.operator, input)
  const begun = on.clock.now.getTime()
  return { on, id, secret: secret ?? '', at: (hours) => new Date(begun + hours * HOUR).toISOString() }
}

/** Which of the secrets are accepted after so many hours, also by their tokens. */
async function listAccepted(
  { on, id, at }: Started,
  hours: number,
  secrets: readonly string[],
): Promise<boolean[]> {
  on.clock.now = new Date(at(hours))
  const client = (await findClient(on.dir, id)) as Client
  const accepted = secrets.map((secret) => isSecretOf(client, secret, on.clock.now))
  for (const [i, secret] of secrets.entries()) {
    assert.equal(hasSecretId(client, toSecretId(secret), on.clock.now), accepted[i])
    assert.equal((await findClientOfToken(on.dir, id, toSecretId(secret))) !== undefined, accepted[i])
  }
  return accepted
}

async function rotate({ on, id }: Started, previousUntil?: Rotation['previousUntil']): Promise<string> {
  return (await rotateClient(on.dir, on.operator, { id, previousUntil })).secret
}

/** Clients: their secrets, who manages them, and their last call. */
export function clientsSuite(open: OpenStore): void {
  describe('secrets of clients', () => {
    test('a former secret is accepted until the given time, by default for a day', async () => {
      for (const [until, hours] of [
        [undefined, 24],
        [2, 2],
      ] as const) {
        const started = await start(open)
        const secret = await rotate(started, until && started.at(until))
        const secrets = [started.secret, secret]
        assert.deepEqual(await listAccepted(started, hours - 0.001, secrets), [true, true])
        assert.deepEqual(await listAccepted(started, hours, secrets), [false, true])
      }
    })

    test('a rotation without overlap ends all secrets before it', async () => {
      const started = await start(open)
      const second = await rotate(started)
      const third = await rotate(started, null)
      assert.deepEqual(await listAccepted(started, 0, [started.secret, second, third]), [false, false, true])
    })

    test('a rotation without a time shortens none that was promised before', async () => {
      const started = await start(open)
      const second = await rotate(started, started.at(48))
      const third = await rotate(started)
      const all = [started.secret, second, third]
      assert.deepEqual(await listAccepted(started, 23, all), [true, true, true])
      assert.deepEqual(await listAccepted(started, 47, all), [true, false, true])
      assert.deepEqual(await listAccepted(started, 48, all), [false, false, true])
    })

    test('secrets of several rotations keep their times, but none outlives a time that is given', async () => {
      const started = await start(open)
      const second = await rotate(started, started.at(2))
      const third = await rotate(started, started.at(3))
      const all = [started.secret, second, third]
      assert.deepEqual(await listAccepted(started, 1, all), [true, true, true])
      assert.deepEqual(await listAccepted(started, 2, all), [false, true, true])
      const sooner = await start(open)
      const next = await rotate(sooner, sooner.at(9))
      const last = await rotate(sooner, sooner.at(1))
      assert.deepEqual(await listAccepted(sooner, 1, [sooner.secret, next, last]), [false, false, true])
    })

    test('at most five secrets are accepted at once', async () => {
      const started = await start(open)
      const secrets = [started.secret]
      for (let i = 0; i < 6; i++) secrets.push(await rotate(started))
      const accepted = await listAccepted(started, 0, secrets)
      assert.deepEqual(accepted, [false, false, true, true, true, true, true])
    })

    test('of more, those that end first are dropped, but not the one that was replaced last', async () => {
      const started = await start(open)
      const secrets = [started.secret, await rotate(started, started.at(48))]
      for (let i = 0; i < 4; i++) secrets.push(await rotate(started))
      const accepted = await listAccepted(started, 0, secrets)
      assert.deepEqual(accepted, [true, false, true, true, true, true])
    })

    test('the time must be in the next 90 days', async () => {
      const started = await start(open)
      const { at } = started
      await rotate(started, at(90 * 24))
      for (const wrong of [at(0), at(-1), at(90 * 24 + 0.001)])
        await assert.rejects(rotate(started, wrong), refusedAs('invalid', 'previousUntil'))
    })

    test('rotations at the same time leave one secret, and all others with their end', async () => {
      const started = await start(open)
      const secrets = await Promise.all(Array.from({ length: 4 }, () => rotate(started, started.at(1))))
      assert.deepEqual(await listAccepted(started, 0, [started.secret, ...secrets]), Array(5).fill(true))
      const left = await listAccepted(started, 1, [started.secret, ...secrets])
      assert.equal(left.filter((isAccepted) => isAccepted).length, 1)
    })

    test('no secret of a removed client is accepted, and it cannot be rotated', async () => {
      const started = await start(open)
      const { on, id } = started
      await rotate(started)
      await deleteClient(on.dir, on.operator, id)
      assert.equal(await findClientOfToken(on.dir, id, toSecretId(started.secret)), undefined)
      await assert.rejects(rotate(started), refusedAs('client_not_found'))
    })

    test('a rotation is recorded without the secret', async () => {
      const started = await start(open)
      const secret = await rotate(started)
      const [entry] = await readAudit(started.on.dir, 1)
      assert.deepEqual(
        [entry?.operation, entry?.outcome, entry?.target, entry?.organization, entry?.changedFields],
        ['RotateClient', 'rotated', started.id, started.on.resellerId, ['secret']],
      )
      assert.doesNotMatch(JSON.stringify(entry), new RegExp(secret))
    })

    test('a client of an external issuer has no secret to rotate; that of OSIS is the operator’s', async () => {
      const { on } = await start(open)
      const external = { issuer: 'https://issuer.example', id: 'app' }
      const input = { organizationId: on.resellerId, name: 'x', permission: 'viewer', external } as const
      const { id } = await createClient(on.dir, on.operator, input)
      await assert.rejects(rotateClient(on.dir, on.operator, { id }), refusedAs('client_not_rotatable'))
      const osis = { id: clientIdOf(on.osis) }
      await assert.rejects(rotateClient(on.dir, on.provider, osis), refusedAs('client_not_rotatable'))
      assert.equal((await rotateClient(on.dir, on.operator, osis)).id, osis.id)
    })
  })
  describe('who manages clients', () => managementTests(open))
  describe('the last call of a client', () => lastCallTests(open))
}

const page = { offset: 0, limit: 100 }

async function listIds(on: TestDirectory, ctx: Context, organizationId?: string): Promise<string[]> {
  return (await listClients(on.dir, ctx, { organizationId, page })).items.map(({ id }) => id)
}

function managementTests(open: OpenStore): void {
  test('a reseller has its own clients in reach, its provider all of them', async () => {
    const { on, id } = await start(open)
    const other = await addOrganization(on, 'reseller')
    const reseller = await addClient(on, on.resellerId)
    const foreign = clientIdOf(await addClient(on, other.id))
    const customers = clientIdOf(await addClient(on, on.customerId))
    const own = [id, clientIdOf(reseller)]
    assert.deepEqual(await listIds(on, reseller), own)
    assert.deepEqual(await listIds(on, reseller, on.resellerId.toUpperCase()), own)
    const all = [clientIdOf(on.provider), clientIdOf(on.osis), ...own, foreign, customers]
    assert.deepEqual(await listIds(on, on.provider), all)
    assert.deepEqual(await listIds(on, on.provider, on.customerId), [customers])
    for (const one of [foreign, customers, newId(), clientIdOf(on.provider), '']) {
      for (const act of [getClient, deleteClient])
        await assert.rejects(act(on.dir, reseller, one), refusedAs('client_not_found'))
      await assert.rejects(rotateClient(on.dir, reseller, { id: one }), refusedAs('client_not_found'))
    }
    for (const organizationId of [other.id, on.customerId, on.setup.provider.id, newId()]) {
      await assert.rejects(listIds(on, reseller, organizationId), refusedAs('organization_not_found'))
      const input = { organizationId, name: 'x', permission: 'viewer' } as const
      await assert.rejects(createClient(on.dir, reseller, input), refusedAs('organization_not_found'))
    }
    assert.equal((await getClient(on.dir, reseller, id.toUpperCase())).id, id)
    await deleteClient(on.dir, reseller, id)
    assert.deepEqual(await listIds(on, reseller), [clientIdOf(reseller)])
  })

  test('the clients of a deleted organization are gone, those of a suspended one are kept', async () => {
    const { on } = await start(open)
    const customer = await addOrganization(on, 'customer')
    const id = clientIdOf(await addClient(on, customer.id))
    await suspendCustomer(on.dir, on.operator, customer.id)
    assert.equal((await getClient(on.dir, on.provider, id)).id, id)
    assert.equal(await findClient(on.dir, id), undefined)
    await deleteCustomer(on.dir, on.operator, { customerId: customer.id, purgeData: false })
    assert.ok(!(await listIds(on, on.provider)).includes(id))
    await assert.rejects(getClient(on.dir, on.provider, id), refusedAs('client_not_found'))
    await assert.rejects(rotateClient(on.dir, on.provider, { id }), refusedAs('client_not_found'))
  })

  test('a list has pages', async () => {
    const { on, id } = await start(open)
    const all = await listIds(on, on.provider)
    for (let offset = 0; offset < 4; offset++) {
      const { items, total } = await listClients(on.dir, on.provider, { page: { offset, limit: 2 } })
      assert.equal(total, 3)
      assert.deepEqual(
        items.map((client) => client.id),
        all.slice(offset, offset + 2),
      )
    }
    assert.equal(all.at(-1), id)
  })

  test('only the operator makes clients of OSIS', async () => {
    const { on } = await start(open)
    const input = { organizationId: on.setup.provider.id, name: 'x', permission: 'osis' } as const
    await assert.rejects(createClient(on.dir, on.provider, input), refusedAs('invalid', 'permission'))
    await createClient(on.dir, on.operator, input)
  })
}

function lastCallTests(open: OpenStore): void {
  test('it is written in rounds, and not again within five minutes', async () => {
    const { on, id } = await start(open)
    const read = async () => (await findClient(on.dir, id)) as Client
    const call = async (minutes: number) => {
      on.clock.now = new Date(on.clock.now.getTime() + minutes * 60_000)
      noteClientUse(on.dir, await read())
      return on.dir.clientUses.size
    }
    assert.equal((await read()).lastUsedAt, null)
    assert.equal(await call(0), 1)
    assert.equal(await call(1), 1)
    const at = on.clock.now.toISOString()
    await writeClientUses(on.dir)
    assert.equal((await read()).lastUsedAt, at)
    assert.equal(await call(4.99), 0)
    assert.equal(await call(0.01), 1)
    await writeClientUses(on.dir)
    assert.equal(on.dir.clientUses.size, 0)
    assert.equal((await read()).lastUsedAt, on.clock.now.toISOString())
  })

  test('a later time that another process has written stays', async () => {
    const { on, id } = await start(open)
    const client = (await findClient(on.dir, id)) as Client
    on.dir.clientUses.set(client.pk, on.clock.now.getTime() + HOUR)
    await writeClientUses(on.dir)
    noteClientUse(on.dir, client)
    await writeClientUses(on.dir)
    const stored = (await findClient(on.dir, id))?.lastUsedAt
    assert.equal(stored, new Date(on.clock.now.getTime() + HOUR).toISOString())
  })
}
