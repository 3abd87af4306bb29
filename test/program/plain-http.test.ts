import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveHere } from '../../testing/target.ts'
import { newDataDir, type Settings } from '../../testing/usher.ts'

const WARNING = 'secrets and tokens cross the network unencrypted'

/** Returns the log of a server that starts with these settings and stops. */
async function logOf(settings: Settings): Promise<string> {
  const { path, remove } = newDataDir()
  try {
    const usher = await serveHere(path, settings)
    await usher.stop()
    return usher.log()
  } finally {
    remove()
  }
}

test('a start warns if clients reach Usher over plain HTTP, and says what to do', async () => {
  for (const url of ['http://usher.example', 'http://192.0.2.1:8080']) {
    const log = await logOf({ USHER_PUBLIC_URL: url })
    assert.ok(log.includes(WARNING), log)
    assert.match(log, /"level":40,.*reverse proxy with TLS.*USHER_HOST.*USHER_PUBLIC_URL/)
  }
})

test('a start does not warn on loopback, or behind a proxy with TLS', async () => {
  for (const settings of [
    {},
    { USHER_HOST: 'localhost' },
    { USHER_PUBLIC_URL: 'https://usher.example' },
    { USHER_PUBLIC_URL: 'http://localhost:8080' },
    { USHER_PUBLIC_URL: 'http://[::1]:8080' },
  ])
    assert.ok(!(await logOf(settings as Settings)).includes(WARNING), JSON.stringify(settings))
})
