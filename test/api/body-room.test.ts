import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { BodyRoom, OverloadedError } from '../../src/api/bodies.ts'
import { AuthError } from '../../src/auth/auth-error.ts'
import { newLogger } from '../../src/logger.ts'
import { send } from '../../testing/http.ts'
import { newCollector } from '../../testing/usher.ts'
import { waitUntil } from '../../testing/wait.ts'
import { buildBareServer } from '../support/server.ts'

function newRoom(): { room: BodyRoom; clock: { now: number } } {
  const clock = { now: 0 }
  return {
    room: new BodyRoom(
      100,
      () => undefined,
      () => clock.now,
    ),
    clock,
  }
}

const notCut = (): void => assert.fail('the body was given up')

test('bodies take room until they leave', () => {
  const { room } = newRoom()
  const [one, other, third] = [room.enter(notCut), room.enter(notCut), room.enter(notCut)]
  assert.ok(room.grow(one, 40) && room.grow(one, 60) && room.grow(other, 40))
  assert.equal(room.grow(third, 1), false)
  room.settle(one)
  assert.equal(room.grow(third, 1), false, 'a body that has arrived still takes its room')
  room.leave(one)
  assert.ok(room.grow(third, 60))
  room.leave(one)
  assert.equal(room.grow(other, 41), false, 'leaving twice frees no more')
})

test('a body for which there is no room takes none', () => {
  const { room } = newRoom()
  const [large, small] = [room.enter(notCut), room.enter(notCut)]
  assert.ok(room.grow(large, 50))
  assert.equal(room.grow(large, 101), false)
  assert.ok(room.grow(small, 100))
})

test('slow bodies are given up when others need their room, the oldest first', () => {
  const { room, clock } = newRoom()
  const cut: string[] = []
  const enter = (name: string, bytes: number) => {
    const body = room.enter((error) => {
      assert.ok(error instanceof OverloadedError)
      cut.push(name)
    })
    assert.ok(room.grow(body, bytes))
    return body
  }
  enter('slow', 40)
  room.settle(enter('arrived', 10))
  clock.now = 1_000
  enter('slower', 40)
  const late = room.enter(notCut)
  clock.now = 1_999
  assert.equal(room.grow(late, 20), false)
  assert.deepEqual(cut, [])
  clock.now = 2_000
  assert.ok(room.grow(room.enter(notCut), 20))
  assert.deepEqual(cut, ['slow'])
  clock.now = 3_000
  assert.ok(room.grow(room.enter(notCut), 60))
  assert.deepEqual(cut, ['slow', 'slower'])
})

const log = newCollector()
const checkSecret = () => Promise.reject(new AuthError('The client id or secret is wrong'))
const app = await buildBareServer({ checkSecret, log: await newLogger('info', log) })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
after(() => app.close())

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

function requestToken(padding: number): ReturnType<typeof send> {
  const body = `grant_type=client_credentials&client_id=a&client_secret=b&padding=${'x'.repeat(padding)}`
  return send(url, { method: 'POST', path: '/oauth2/v2.0/token', headers: FORM, body })
}

test('senders that stop in the middle keep neither small requests out nor, for long, large ones', async (t) => {
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let i = 0; i < 150; i++) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      'POST /oauth2/v2.0/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 16000\r\n',
    )
    socket.write(`content-type: application/x-www-form-urlencoded\r\n\r\n${'x'.repeat(15_000)}`)
    sockets.push(socket)
  }
  await waitUntil(async () => (await requestToken(14_000)).status === 503, 10_000)
  const refused = await requestToken(14_000)
  assert.equal(refused.status, 503, refused.text)
  assert.equal(refused.headers['retry-after'], '1')
  assert.match(refused.text, /temporarily_unavailable/)
  assert.equal((await requestToken(0)).status, 400, 'a small request needs no room')
  await waitUntil(async () => (await requestToken(14_000)).status === 400, 10_000)
  const lines = log.text().match(/"msg":"a large body is refused/g) ?? []
  assert.equal(lines.length, 1, 'one line for all of them')
  assert.ok(!log.text().includes('request failed'))
})
