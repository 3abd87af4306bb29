import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { startChild } from '../../testing/children.ts'
import { engine } from '../../testing/environment.ts'
import { newDataDir, runUsher, serve, usherJson } from '../../testing/usher.ts'

const set = newDataDir()
const empty = newDataDir()
before(() => usherJson(set.path, ['init']))
after(() => {
  set.remove()
  empty.remove()
})

const COMMANDS = [
  'serve',
  'init',
  'migrate',
  'organization add',
  'organization list',
  'organization remove',
  'portal add',
  'portal list',
  'portal remove',
  'client add',
  'client list',
  'client remove',
  'user add',
  'user list',
  'user remove',
  'tenant create',
  'tenant list',
  'token list',
  'token revoke',
  'key rotate',
  'audit list',
  'audit verify',
  'store copy',
]

test('--help lists every command, and touches no directory', async () => {
  for (const args of [['--help'], ['help']]) {
    const { code, stdout, stderr } = await runUsher('/dev/null/none', args)
    assert.deepEqual([code, stderr], [0, ''])
    for (const command of COMMANDS) assert.match(stdout, new RegExp(`^ {2}${command} {2,}\\S`, 'm'))
    assert.match(stdout, /Exit codes: 0 done, 1 refused or failed, 2 wrong usage/)
  }
})

test('every command explains itself, with --json among its options', async () => {
  const outputs = await Promise.all(
    COMMANDS.map((command) => runUsher('/dev/null/none', [...command.split(' '), '--help'])),
  )
  outputs.forEach(({ code, stdout }, i) => {
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`^usher ${COMMANDS[i]}`))
    assert.match(stdout, /--json/)
  })
})

test('--version prints the version', async () => {
  const { code, stdout } = await runUsher(empty.path, ['--version'])
  assert.equal(code, 0)
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

const WRONG: readonly (readonly [line: string, message: RegExp])[] = [
  ['frobnicate', /no command 'frobnicate'/],
  ['user', /'user' needs one of: user add, user list, user remove/],
  ['user frobnicate', /'user' needs one of/],
  ['user list --organisation x', /--organisation/],
  ['user list', /needs --organization/],
  ['user list extra --organization x', /takes no further words/],
  ['user list --organization', /--organization/],
  ['user list --organization x --limit 0', /--limit must be a whole number/],
  ['user list --organization x --limit 1.5', /--limit must be a whole number/],
  ['user list --organization x --limit many', /--limit must be a whole number/],
  ['user remove', /takes ID/],
  ['user remove a b', /takes ID/],
  ['user add --organization x', /needs --email/],
  ['organization add --kind provider --name x', /--kind must be one of reseller, customer/],
  ['organization add --kind reseller --name x --reseller y', /--reseller goes with --kind customer/],
  ['organization list --kind none', /--kind must be one of/],
  ['client add --organization x --permission root --name n', /--permission must be one of/],
  ['client add --organization x --permission viewer --name n --issuer i', /go together/],
  ['tenant create --org x', /needs --customer/],
  ['tenant list --limit 0', /--limit must be a whole number/],
  ['token revoke', /takes ID/],
  ['platform retry', /needs either --user or --all/],
  ['platform retry --all --user x', /needs either --user or --all/],
  ['platform status --limit 0', /--limit must be a whole number/],
  ['platform status --state waiting', /--state must be one of failing, parked/],
  ['platform', /'platform' needs one of: platform status, platform retry, platform check/],
  ['audit list --since yesterday', /--since must be a time/],
  ['audit list --status Maybe', /--status must be one of/],
  ['init --no-example=1', /no-example/],
  ['key rotate now', /takes no further words/],
  ['key', /'key' needs one of: key rotate/],
  ['serve now', /takes no further words/],
]

for (const [line, message] of WRONG) {
  test(`usher ${line} is wrong usage, and says why`, async () => {
    const { code, stdout, stderr } = await runUsher(set.path, line.split(' '))
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^usher: [^\n]+\nSee usher --help\.\n$/)
    assert.match(stderr, message)
  })
}

test('usher without a command is wrong usage, and shows the commands', async () => {
  const { code, stdout, stderr } = await runUsher(set.path, [])
  assert.equal(code, 2)
  assert.match(`${stdout}${stderr}`, /user add/)
})

test('a group that does not exist is refused, with those that do', async () => {
  const [provider] = await usherJson<{ id: string }[]>(set.path, ['organization', 'list', '--limit', '1'])
  const words = ['--organization', provider?.id ?? '', '--email', 'a@example.com', '--group', 'Boss']
  const { code, stderr } = await runUsher(set.path, ['user', 'add', ...words])
  assert.notEqual(code, 0)
  assert.match(stderr, /Boss.*Administrator, Alert Manager, Viewer/)
})

test('an empty directory is refused with what to do about it', async () => {
  const { code, stdout, stderr } = await runUsher(empty.path, ['user', 'list', '--organization', 'x'])
  assert.deepEqual([code, stdout], [1, ''])
  const missing = `there is no store at ${empty.path}/usher.db; usher init makes one`
  const said = engine() === 'sqlite' ? missing : 'the store is empty; usher init sets it up'
  assert.equal(stderr, `usher: ${said}\n`)
  assert.deepEqual(readdirSync(empty.path), [])
})

test('wrong settings end a command with 1 and one line each', async () => {
  const settings = { USHER_PORT: 'x', USHER_LOG_LEVEL: 'loud', USHER_TYPO: '1' }
  const { code, stdout, stderr } = await runUsher(set.path, ['serve'], settings)
  assert.deepEqual([code, stdout], [1, ''])
  const lines = stderr.trimEnd().split('\n')
  assert.deepEqual(lines.map((line) => line.split(' ')[1]).sort(), [
    'USHER_LOG_LEVEL',
    'USHER_PORT',
    'USHER_TYPO',
  ])
  for (const line of lines) assert.ok(line.startsWith('usher: '))
})

test('a port that is taken ends the start with 1, says so, and sets nothing up', async () => {
  const fresh = newDataDir()
  const served = await serve(set.path)
  const settings = { USHER_PORT: new URL(served.url).port }
  const ended = await (await startChild(fresh.path, { settings, limitMs: 5_000 })).ended
  const again = await runUsher(fresh.path, ['init', '--json'])
  const health = await fetch(`${served.url}/healthz`)
  await served.stop()
  fresh.remove()
  assert.match(ended.stderr, /^usher: .*port.*\n$/)
  assert.deepEqual([again.code, health.status, ended.stdout], [0, 200, ''])
  assert.equal(ended.code, 1, 'the process has said why, and does not end')
})
