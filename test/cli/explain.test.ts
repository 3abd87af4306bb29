import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import { NEXT_COMMANDS } from '../../src/cli/explain-texts.ts'
import { type Init, initialise, newDataDir, runUsher, usherJson } from '../../testing/usher.ts'

const { path, remove } = newDataDir()
let init: Init
let userId: string

before(async () => {
  init = await initialise(path)
  const words = ['user', 'add', '--organization', init.customer.id, '--email', 'ada@example.com']
  userId = (await usherJson<{ id: string }>(path, words)).id
})
after(remove)

interface Explained {
  readonly failed: string | null
  readonly cause: { readonly code: string; readonly text: string } | null
  readonly next: readonly { readonly code: string; readonly command: string | null }[]
}

test('a user is explained, and the named command helps', async () => {
  const explained = await usherJson<Explained>(path, ['explain', 'user', 'ada@example.com'])
  assert.deepEqual([explained.failed, explained.cause?.code], ['account_exists', 'not_named'])
  const command = explained.next.find(({ code }) => code === 'give_account')?.command
  assert.equal(command, `usher account add ${userId}`)
  await usherJson(path, command.split(' ').slice(1))
  const { stdout, code } = await runUsher(path, ['explain', 'user', userId])
  assert.equal(code, 0)
  assert.match(stdout, /^User: +<ada@example\.com> [0-9a-f-]+\nOrganization: +Example Customer \(customer /)
  assert.match(stdout, /\n {2}yes {2}In the directory, and not deleted\n/)
  assert.match(stdout, /\n {2}NO {3}What is recorded is on the platform\n {2}\? {4}4 more: /)
  assert.match(stdout, /\nWhat to do:\n {2}- Wait until /)
  const [account] = await usherJson<{ id: string }[]>(path, ['find', userId])
  assert.equal(account?.id, userId)
  const absent = await runUsher(path, ['explain', 'user', 'nobody@example.com'])
  assert.deepEqual(
    [absent.code, absent.stderr],
    [1, 'usher: There is no user with the e-mail address nobody@example.com.\n'],
  )
  assert.equal((await runUsher(path, ['explain', 'account', 'none$none'])).code, 1)
})

test('a request is explained by its correlation id', async () => {
  const [entry] = await usherJson<{ correlationId: string }[]>(path, [
    'audit',
    'list',
    '--operation',
    'CreateUser',
  ])
  const { correlationId = '' } = entry ?? {}
  const { stdout } = await runUsher(path, ['explain', 'request', correlationId])
  assert.match(stdout, /^ {2}yes {2}The request is in the audit log\n/)
  assert.match(stdout, /CreateUser +(?:Succeeded|Processing) +created +operator/)
  const unknown = await usherJson<Explained>(path, ['explain', 'request', userId])
  assert.equal(unknown.failed, 'request_known')
})

test('an access decision is explained with what would have to differ', async () => {
  const caller = init.clients.osis.client_id
  const words = ['explain', 'access', '--operation', 'createuser', '--caller', caller, '--target', userId]
  const explained = await usherJson<Explained & { permitted: boolean }>(path, words)
  assert.deepEqual([explained.permitted, explained.cause?.code], [false, 'permission'])
  assert.match(explained.cause?.text ?? '', /has the permission osis; the operation needs administrator/)
  const { stdout } = await runUsher(path, words)
  assert.match(
    stdout,
    /^Caller: +client [0-9a-f-]+ osis\nActs for: +.* \(provider\)\nOperation: +CreateUser\nTarget: +user /,
  )
  assert.equal((await runUsher(path, ['explain', 'access', '--operation', 'Nothing'])).code, 2)
})

/** Runs a command line in this process. Returns what it printed. */
async function help(words: readonly string[]): Promise<string> {
  const texts: string[] = []
  const sink = { write: (text: string) => texts.push(text) }
  const code = await runCli([...words, '--help'], {}, { stdout: sink, stderr: sink } as never)
  assert.equal(code, 0, texts.join(''))
  return texts.join('')
}

const PARAMS = {
  ...{
    userId: 'U',
    organizationId: 'O',
    resellerId: 'R',
    tenantId: 'T',
    accessKey: 'K',
    permission: 'viewer',
  },
  ...{ caller: 'C', operation: 'GetUser', correlationId: 'I' },
}

test('each command that an explanation names exists, with its options', async () => {
  for (const make of Object.values(NEXT_COMMANDS)) {
    if (make === null) continue
    const [, ...words] = make(PARAMS as never).split(' ')
    const options = words.filter((word) => word.startsWith('--'))
    const text = await help(words.slice(0, 2))
    assert.match(text, new RegExp(`^Usage: usher ${words[0]} ${words[1]} `))
    for (const option of options) assert.match(text, new RegExp(`${option}\\b`), words.join(' '))
  }
})
