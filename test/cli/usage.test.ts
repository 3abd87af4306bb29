import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startChild } from '../../testing/children.ts'
import { serveHere } from '../../testing/target.ts'
import { type Ended, initialise, newDataDir, runUsher } from '../../testing/usher.ts'

const set = newDataDir()
const empty = newDataDir()
before(() => initialise(set.path))
after(() => {
  set.remove()
  empty.remove()
})

/** Every command, and the subcommands of those that have some. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  serve: [],
  init: [],
  status: [],
  migrate: [],
  config: [],
  find: [],
  explain: ['user', 'account', 'request', 'access'],
  organization: [
    'add',
    'relate',
    'list',
    'remove',
    'show',
    'change',
    'identify',
    'unrelate',
    'suspend',
    'resume',
    'delete',
  ],
  portal: ['add', 'list', 'remove'],
  client: ['add', 'list', 'show', 'rotate', 'remove'],
  group: ['list'],
  user: [
    'add',
    'list',
    'show',
    'change',
    'suspend',
    'resume',
    'delete',
    'restore',
    'import',
    'export',
    'erase',
    'timeline',
    'receipt',
  ],
  import: ['list', 'show', 'resume', 'undo'],
  tenant: ['create', 'change', 'move', 'list'],
  account: ['add', 'suspend', 'resume', 'show', 'retry', 'check', 'usage', 'remove'],
  credential: ['add', 'list', 'disable', 'enable', 'remove'],
  platform: ['status', 'retry', 'check', 'adopt-cluster'],
  webhook: ['create', 'list', 'show', 'change', 'delete', 'dead-letters', 'replay', 'rotate', 'test'],
  job: ['list', 'show', 'stop', 'resume'],
  token: ['list', 'revoke'],
  console: ['link', 'sessions', 'end'],
  key: ['rotate', 'rotate-signing', 'list'],
  audit: ['list', 'export', 'verify'],
  backup: [],
  restore: [],
  store: ['copy'],
}

/** Runs a command that must not open a directory. */
const explain = (...args: string[]): Promise<Ended> => runUsher('/dev/null/none', args)

/** The names under the heading Commands of a help text. Fails for one without a description. */
function listCommands(help: string): string[] {
  const section = help.split(/^Commands:\n/m)[1]?.split(/\n\n/)[0] ?? ''
  const lines = section.split('\n').filter((line) => /^ {2}\S/.test(line))
  for (const line of lines) assert.match(line, /^ {2}\S.* {2,}[A-Z]/)
  return lines.map((line) => line.trim().split(' ')[0] ?? '')
}

test('help lists every command with a description, and opens no directory', async () => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { code, stdout, stderr } = await explain(...args)
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(listCommands(stdout), [...Object.keys(COMMANDS), 'help'])
    assert.match(stdout, /Exit codes: 0 done, 1 refused or failed, 2 wrong usage/)
  }
})

for (const [command, subcommands] of Object.entries(COMMANDS)) {
  test(`every form of help explains usher ${command}`, async () => {
    const { code, stdout } = await explain(command, '--help')
    assert.equal(code, 0)
    assert.deepEqual(listCommands(stdout), subcommands)
    assert.equal((await explain(command, '-h')).stdout, stdout)
    assert.equal((await explain('help', command)).stdout, stdout)
    const leaves = subcommands.length === 0 ? [[command]] : subcommands.map((name) => [command, name])
    for (const words of leaves) {
      const { code, stdout } = await explain(...words, '--help')
      assert.equal(code, 0)
      assert.ok(stdout.startsWith(`Usage: usher ${words.join(' ')} [options]`), stdout)
      assert.match(stdout, /^ {2}--json {2,}Print JSON$/m)
      for (const [line] of stdout.matchAll(/^ {2}-.*$/gm)) assert.match(line, / {2,}[A-Z]/)
      assert.equal((await explain('help', ...words)).stdout, stdout)
    }
  })
}

test('help shows required options, choices and defaults', async () => {
  const add = await explain('client', 'add', '-h')
  assert.match(add.stdout, /^Required options:\n {2}--organization <id> +Id of the organization/m)
  assert.match(add.stdout, /choices: "administrator",\s+"viewer",\s+"osis"/)
  assert.match((await explain('audit', 'list', '-h')).stdout, /Maximum number of entries \(default: 100\)/)
})

test('--version prints the version', async () => {
  const { code, stdout } = await explain('--version')
  assert.equal(code, 0)
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

const LIMIT =
  /option '--limit <number>' argument '\S+' is invalid\. It must be a whole number from 1 to 1000000/

const WRONG: readonly (readonly [line: string, message: RegExp])[] = [
  ['frobnicate', /unknown command 'frobnicate'/],
  ['usr list', /unknown command 'usr' \(Did you mean user\?\)/],
  ['help frobnicate', /unknown command 'frobnicate'/],
  ['help user frobnicate', /unknown command 'frobnicate'/],
  ['user frobnicate --help', /unknown command 'frobnicate'/],
  ['--frobnicate', /unknown option '--frobnicate'/],
  ['user lst', /unknown command 'lst' \(Did you mean list\?\)/],
  ['user list --organisation x', /unknown option '--organisation' \(Did you mean --organization\?\)/],
  ['user list --page 0', /must be a whole number from 1/],
  ['user list extra --organization x', /too many arguments/],
  ['user list --organization', /option '--organization <id>' argument missing/],
  ['user list --organization x --limit 0', LIMIT],
  ['user list --organization x --limit 1.5', LIMIT],
  ['user list --organization x --limit many', LIMIT],
  ['user list --organization x --limit 1000001', LIMIT],
  ['user remove', /missing required argument 'user'/],
  ['user remove a b', /too many arguments/],
  ['user add --organization x', /required option '--email <address>' not specified/],
  ['organization add --kind provider --name x', /Allowed choices are reseller, customer/],
  ['organization add --kind reseller --name x --reseller y', /'--reseller <id\.\.\.>' can only be used with/],
  ['organization list --kind none', /Allowed choices are provider, reseller, customer/],
  ['client add --organization x --permission root --name n', /Allowed choices are administrator/],
  ['client add --organization x --permission viewer --name n --issuer i', /must be used together/],
  ['tenant create --org x', /required option '--customer <id>' not specified/],
  ['tenant change x', /required option '--accounts <who>' not specified/],
  ['tenant change x --accounts all', /Allowed choices are named, everyone/],
  ['tenant list --limit 0', LIMIT],
  ['token revoke', /missing required argument 'id'/],
  ['platform retry', /exactly one of '--user <id>', '--all', and '--cause <cause>' or '--tenant <id>'/],
  [
    'platform retry --all --user x',
    /exactly one of '--user <id>', '--all', and '--cause <cause>' or '--tenant <id>'/,
  ],
  ['platform status --limit 0', LIMIT],
  ['platform status --cause moon', /option '--cause <cause>' argument 'moon' is invalid/],
  ['platform status --state done', /Allowed choices are waiting, failing, parked/],
  ['audit list --since yesterday', /It must be a time such as/],
  ['audit list --status Maybe', /Allowed choices are Succeeded, Failed/],
  ['init --no-example=1', /unknown option '--no-example=1'/],
  ['key rotate now', /too many arguments/],
  ['serve now', /too many arguments/],
  ['init --provider a --provider b', /option '--provider <name>' must be given only once/],
  ['init --no-example --no-example', /option '--no-example' must be given only once/],
  ['serve --portal a --portal b', /option '--portal <domain>' must be given only once/],
  ['user list --json --organization x --json', /option '--json' must be given only once/],
  ['user list --organization x --organization=x', /option '--organization <id>' must be given only once/],
  ['store copy --from mysql://x --to sqlite:y', /option '--from <url>' must have the form sqlite:<path>/],
  [
    'store copy --from postgres://u:p@db/x?sslmode=on --to sqlite:y',
    /option '--from <url>' has a wrong sslmode/,
  ],
  ['store copy --from sqlite:x --to postgres://one,two/y', /option '--to <url>' must name one host/],
  ['store copy --from sqlite:x --to sqlite:x', /options '--from <url>' and '--to <url>' name the same store/],
]

for (const [line, message] of WRONG) {
  test(`usher ${line} is wrong usage, with the reason`, async () => {
    const { code, stdout, stderr } = await runUsher(set.path, line.split(' '))
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^usher: [^\n]+\nRun 'usher[^\n]* --help' for help\.\n$/)
    assert.match(stderr, message)
  })
}

/** Every command with the words that run it, without options. */
const LEAVES = Object.entries(COMMANDS).flatMap(([command, subcommands]) =>
  subcommands.length === 0 ? [[command]] : subcommands.map((name) => [command, name]),
)

/** Values of options that take more than a number or any text. */
const VALID: Readonly<Record<string, string>> = {
  '--since': '2026-11-22',
  '--expect': `1:${'a'.repeat(43)}`,
  '--cause': 'late',
  '--operation': 'CreateUser',
}

test('every option of every command is refused the second time, unless it takes several values', async () => {
  for (const words of LEAVES) {
    const { stdout } = await explain(...words, '--help')
    const options = [...stdout.matchAll(/^ {2}(--[a-z\d-]+)( <\S+>)?/gm)]
    assert.ok(options.length > 0)
    for (const [, name = '', argument = ''] of options.filter(
      ([, , argument]) => !argument?.includes('...'),
    )) {
      const choice = /choices:\s+"([^"]+)"/.exec(
        stdout.slice(stdout.indexOf(`  ${name}`)).split('\n  -')[0] ?? '',
      )
      const value = choice?.[1] ?? VALID[name] ?? '1'
      const once = argument ? [`${name}=${value}`] : [name]
      const { code, stderr } = await explain(...words, ...once, ...once)
      assert.equal(code, 2)
      assert.match(stderr, new RegExp(`option '${name}${argument}' must be given only once`))
    }
  }
})

test('a command that lacks its subcommand is wrong usage, and shows its help', async () => {
  for (const args of [[], ['user'], ['platform'], ['key']]) {
    const { code, stdout, stderr } = await runUsher(set.path, args)
    assert.deepEqual([code, stdout], [2, ''])
    assert.equal(stderr, (await explain(...args, '--help')).stdout)
  }
})

test('a run leaves nothing behind for the next one in the same process', async () => {
  const lists = ['organization', 'list', '--json']
  const before = await runUsher(set.path, lists)
  await runUsher(set.path, ['organization', 'list', '--limit', '1', '--kind', 'customer'])
  await runUsher(set.path, ['organization', 'list', '--limit', '0'])
  assert.deepEqual(await runUsher(set.path, lists), before)
})

test('the program ends with 0, 1 or 2 as its process', async () => {
  const cases = [
    [['--version'], 0],
    [['user', 'remove', 'nobody'], 1],
    [['user'], 2],
  ] as const
  const ended = cases.map(async ([args]) => (await startChild(set.path, { args })).ended)
  assert.deepEqual(
    (await Promise.all(ended)).map(({ code }) => code),
    cases.map(([, code]) => code),
  )
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
  const served = await serveHere(set.path)
  const settings = { USHER_PORT: new URL(served.url).port }
  const ended = await (await startChild(fresh.path, { settings, limitMs: 30_000 })).ended
  const again = await runUsher(fresh.path, ['init', '--json'])
  const health = await fetch(`${served.url}/healthz`)
  await served.stop()
  fresh.remove()
  assert.match(ended.stderr, /^usher: .*port.*\n$/)
  assert.deepEqual([again.code, health.status, ended.stdout], [0, 200, ''])
  assert.equal(ended.code, 1, 'the process must end after it printed the reason')
})

/** The code spans and lines of the documents that call `usher`, with the file. */
function listCalls(): { file: string; call: string }[] {
  const root = join(import.meta.dirname, '../..')
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const files = ['README.md', ...docs.map((file) => join('docs', file))].filter((file) =>
    file.endsWith('.md'),
  )
  return files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:`|^|-- )usher ([a-z][^`\n]*)/gm)].map(
      (match) => ({
        file,
        call: match[1] ?? '',
      }),
    ),
  )
}

test('every call of usher in the documents names a command and options that exist', async () => {
  const calls = listCalls()
  assert.ok(calls.length > 20)
  for (const { file, call } of calls) {
    const [command = '', second = ''] = call.split(' ')
    const words = COMMANDS[command]?.includes(second) ? [command, second] : [command]
    const { code, stdout } = await explain(...words, '--help')
    assert.equal(code, 0, `${file}: usher ${call}`)
    for (const [option] of call.matchAll(/(?<= )--[a-z-]+/g))
      assert.ok(stdout.includes(option), `${file}: usher ${call} has no option ${option}`)
  }
})
