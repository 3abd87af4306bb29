import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { newDataDir } from '../../testing/usher.ts'

const ROOT = join(import.meta.dirname, '../..')
const UNIT = readFileSync(join(ROOT, 'deploy/usher.service'), 'utf8')
const skip = spawnSync('systemd-analyze', ['--version']).error && 'systemd-analyze is not installed'

/** The values of a setting of the unit. */
const read = (name: string): string[] =>
  [...UNIT.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)

test('systemd accepts the unit', { skip }, (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  const file = join(path, 'usher.service')
  // The unit names the usual places; here Node and Usher are elsewhere.
  writeFileSync(file, UNIT.replaceAll('/usr/bin/node', process.execPath).replaceAll('/opt/usher', ROOT))
  const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
  assert.deepEqual([verified.status, verified.stderr], [0, ''])
  // From 0, locked up, to 100. A service without any hardening has 96.
  const rated = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', file])
  assert.equal(rated.status, 0, String(rated.stdout))
})

test('the unit gives the service its key as a credential, and refuses an empty directory', () => {
  assert.deepEqual(read('LoadCredential'), ['master.key:/etc/usher/master.key'])
  assert.ok(read('Environment').includes('USHER_MASTER_KEY_FILE=%d/master.key'))
  assert.deepEqual(read('ExecStart'), ['/usr/bin/node /opt/usher/src/main.js serve --no-setup'])
  assert.deepEqual(read('User'), ['usher'])
})

test('the command for operators runs as the unit does', (t) => {
  const { path, remove } = newDataDir()
  t.after(remove)
  // Stands for systemd-run: prints its arguments, one on each line.
  writeFileSync(join(path, 'systemd-run'), '#!/bin/sh\nprintf "%s\\n" "$@"\n')
  chmodSync(join(path, 'systemd-run'), 0o755)
  const env = { ...process.env, PATH: [path, process.env.PATH].join(delimiter) }
  const command = join(ROOT, 'deploy/usher-command')
  const { stdout } = spawnSync(command, ['client', 'add', '--name', 'two words'], { env, encoding: 'utf8' })
  const given = stdout.trimEnd().split('\n')
  const start = given.indexOf('/usr/bin/node')
  assert.deepEqual(given.slice(start), [
    '/usr/bin/node',
    '/opt/usher/src/main.js',
    'client',
    'add',
    '--name',
    'two words',
  ])
  const shared = [
    'User',
    'Group',
    'UMask',
    'WorkingDirectory',
    'StateDirectory',
    'StateDirectoryMode',
    'CacheDirectory',
  ]
  for (const name of [...shared, 'CacheDirectoryMode', 'LoadCredential', 'EnvironmentFile']) {
    for (const value of read(name)) assert.ok(given.includes(`--property=${name}=${value}`), name)
  }
  const unit = given.find((one) => one.startsWith('--unit='))?.slice('--unit='.length)
  const environment = read('Environment').map((one) => one.replace('%d', `/run/credentials/${unit}.service`))
  for (const one of environment) assert.ok(given.includes(`--setenv=${one}`), one)
})
