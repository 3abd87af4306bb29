import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Config, ConfigError, readConfig } from '../src/config.ts'
import { loadMasterKeys, writeMasterKeys } from '../src/master-key.ts'
import { newDataDir, runUsher, serve } from '../testing/usher.ts'

async function withConfig(run: (config: Config, file: string) => void): Promise<void> {
  const { path, remove } = newDataDir()
  try {
    const config = await readConfig({ USHER_DATA_DIR: join(path, 'data') })
    run(config, config.masterKeyFile)
  } finally {
    remove()
  }
}

function write(file: string, text: string, mode = 0o600): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  chmodSync(file, mode)
}

function refused(config: Config, message: RegExp): void {
  assert.throws(
    () => loadMasterKeys(config),
    (error: Error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, message)
      assert.ok(error.message.includes(config.masterKeyFile), 'the message does not name the file')
      return true
    },
  )
}

test('the first start creates a key of 32 bytes that only its owner may read', async () => {
  await withConfig((config, file) => {
    const [key, ...others] = loadMasterKeys(config, { create: true })
    assert.deepEqual([key?.length, others], [32, []])
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
    assert.deepEqual(Buffer.from(readFileSync(file, 'utf8'), 'base64'), key)
    assert.deepEqual(loadMasterKeys(config), [key])
    assert.deepEqual(loadMasterKeys(config, { create: true }), [key])
  })
})

test('a key from the setting is used, and no file is created', async () => {
  const { path, remove } = newDataDir()
  const key = randomBytes(32)
  const config = await readConfig({ USHER_DATA_DIR: path, USHER_MASTER_KEY: key.toString('base64') })
  assert.deepEqual(loadMasterKeys(config, { create: true }), [key])
  assert.equal(existsSync(config.masterKeyFile), false)
  remove()
})

for (const mode of [0o640, 0o604, 0o660, 0o644]) {
  test(`a key file of mode ${mode.toString(8)} is refused`, async () => {
    await withConfig((config, file) => {
      write(file, randomBytes(32).toString('base64'), mode)
      refused(config, /others.*0600/)
    })
  })
}

test('a missing key file of a directory that is set up is refused', async () => {
  await withConfig((config, file) => {
    refused(config, /missing/)
    assert.equal(existsSync(file), false)
  })
})

test('a key file without a key is refused, and its content is not repeated', async () => {
  await withConfig((config, file) => {
    write(file, 'correct horse battery staple')
    refused(config, /^(?!.*horse).*32 bytes/)
  })
})

test('a key file may have several keys, one on each line', async () => {
  await withConfig((config, file) => {
    const keys = [randomBytes(32), randomBytes(32), randomBytes(32)]
    const lines = keys.map((key) => key.toString('base64'))
    for (const text of [lines.join('\n'), `${lines.join('\r\n')}\r\n`, `\n${lines.join('\n\n')}\n\n`]) {
      write(file, text)
      assert.deepEqual(loadMasterKeys(config), keys)
    }
  })
})

test('a wrong or repeated line of a key file is reported by its number alone', async () => {
  await withConfig((config, file) => {
    const key = randomBytes(32).toString('base64')
    const short = randomBytes(31).toString('base64')
    write(file, `${key}\n\n${short}\n`)
    refused(config, /line 3 has 31 bytes$/)
    write(file, `${key}\n${key.replace(/^./, '*')}\n`)
    refused(config, /line 2 has/)
    write(file, `\n${key}\n${key}\n`)
    refused(config, /line 3 is the same as line 2$/)
    assert.throws(
      () => loadMasterKeys(config),
      (error: Error) => !error.message.includes(key.slice(1)) && !error.message.includes(short),
    )
  })
})

test('an empty key file is refused', async () => {
  await withConfig((config, file) => {
    write(file, '')
    refused(config, /32 bytes/)
  })
})

test('a key file is replaced as a whole, for its owner alone, and nothing else is left in its folder', async () => {
  await withConfig((config, file) => {
    loadMasterKeys(config, { create: true })
    // A process that was killed may leave this file.
    write(`${file}.next`, 'half a ke', 0o644)
    const before = statSync(file).ino
    const keys = [randomBytes(32), randomBytes(32)] as const
    writeMasterKeys(file, keys)
    assert.deepEqual(loadMasterKeys(config), keys)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.notEqual(statSync(file).ino, before, 'it was written over, not replaced')
    assert.deepEqual(readdirSync(join(file, '..')), ['master.key'])
  })
})

test('a symbolic link to the key file stays', async () => {
  await withConfig((config, file) => {
    loadMasterKeys(config, { create: true })
    const real = `${config.dataDir}/real.key`
    renameSync(file, real)
    symlinkSync(real, file)
    const keys = [randomBytes(32)] as const
    writeMasterKeys(file, keys)
    assert.ok(lstatSync(file).isSymbolicLink())
    assert.deepEqual(loadMasterKeys(config), keys)
    assert.ok(lstatSync(real).isFile())
  })
})

const ROOT = process.getuid?.() === 0

test('a replaced key file keeps its owner', { skip: !ROOT && 'needs root' }, async () => {
  await withConfig((config, file) => {
    loadMasterKeys(config, { create: true })
    chownSync(file, 65_534, -1)
    writeMasterKeys(file, [randomBytes(32)])
    assert.equal(statSync(file).uid, 65_534)
  })
})

test('a key file that cannot be replaced is unchanged, and the message has no key', async () => {
  await withConfig((config, file) => {
    const keys = loadMasterKeys(config, { create: true })
    mkdirSync(join(`${file}.next`, 'in the way'), { recursive: true })
    const next = randomBytes(32)
    assert.throws(
      () => writeMasterKeys(file, [next, ...keys]),
      (error: Error) =>
        error instanceof ConfigError &&
        /master\.key cannot be replaced: /.test(error.message) &&
        !error.message.includes(next.toString('base64')),
    )
    assert.deepEqual(loadMasterKeys(config), keys)
  })
})

test('a start without the key file of a directory that is set up ends with 1 and the reason', async () => {
  const { path, remove } = newDataDir()
  assert.equal((await runUsher(path, ['init'])).code, 0)
  const file = join(path, 'master.key')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  rmSync(file)
  const { code, stdout, stderr } = await runUsher(path, ['serve'])
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^usher: the master key file .*master\.key is missing/)
  assert.equal(existsSync(file), false)
  remove()
})

test('a start with a master key that did not seal the secrets ends with 1 and the reason', async () => {
  const { path, remove } = newDataDir()
  const [one, other] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const { code } = await runUsher(path, ['init'], { USHER_MASTER_KEY: one })
  assert.equal(code, 0)
  const served = await serve(path, { settings: { USHER_MASTER_KEY: one } })
  assert.equal((await fetch(`${served.url}/readyz`)).status, 200)
  await served.stop()
  const again = await runUsher(path, ['serve'], { USHER_MASTER_KEY: other })
  assert.equal(again.code, 1)
  assert.match(again.stderr, /master key/)
  assert.doesNotMatch(again.stderr, /\n\s+at /, 'a stack trace is no clear message')
  remove()
})

test(
  "a credential of systemd, which has mode 0440 and root's group, is read",
  {
    skip: process.getuid?.() !== 0 && 'only root can make files of root',
  },
  () =>
    withConfig((config, file) => {
      const key = randomBytes(32)
      write(file, `${key.toString('base64')}\n`, 0o440)
      chownSync(file, 0, 0)
      assert.deepEqual(loadMasterKeys(config), [key])
      chownSync(file, 0, 65534)
      refused(config, /may be read by others/)
      chownSync(file, 65534, 0)
      refused(config, /may be read by others/)
      chownSync(file, 0, 0)
      chmodSync(file, 0o444)
      refused(config, /may be read by others/)
    }),
)
