import { parseArgs } from 'node:util'
import { ConfigError, readConfig } from '../config.ts'
import { SealError } from '../directory/sealing/sealer.ts'
import { DirectoryError } from '../model/error.ts'
import { PlatformError } from '../platform/platform.ts'
import { StoreError } from '../store/port.ts'
import { VERSION } from '../version.ts'
import { type Command, type Input, type Io, UsageError } from './command.ts'

/** Each command's file is loaded when it is called: `usher user list` needs no web server. */
const COMMANDS: readonly (readonly [name: string, load: () => Promise<Command>])[] = [
  ['serve', async () => (await import('./serve.ts')).serve],
  ['init', async () => (await import('./init.ts')).init],
  ['migrate', async () => (await import('./migrate.ts')).migrate],
  ['organization add', async () => (await import('./organization.ts')).add],
  ['organization relate', async () => (await import('./organization.ts')).relate],
  ['organization list', async () => (await import('./organization.ts')).list],
  ['organization remove', async () => (await import('./organization.ts')).remove],
  ['portal add', async () => (await import('./portal.ts')).add],
  ['portal list', async () => (await import('./portal.ts')).list],
  ['portal remove', async () => (await import('./portal.ts')).remove],
  ['client add', async () => (await import('./client.ts')).add],
  ['client list', async () => (await import('./client.ts')).list],
  ['client remove', async () => (await import('./client.ts')).remove],
  ['user add', async () => (await import('./user.ts')).add],
  ['user list', async () => (await import('./user.ts')).list],
  ['user remove', async () => (await import('./user.ts')).remove],
  ['tenant create', async () => (await import('./tenant.ts')).create],
  ['tenant list', async () => (await import('./tenant.ts')).list],
  ['platform status', async () => (await import('./platform.ts')).status],
  ['platform retry', async () => (await import('./platform.ts')).retry],
  ['platform check', async () => (await import('./platform.ts')).check],
  ['token list', async () => (await import('./token.ts')).list],
  ['token revoke', async () => (await import('./token.ts')).revoke],
  ['key rotate', async () => (await import('./key.ts')).rotate],
  ['audit list', async () => (await import('./audit.ts')).list],
  ['audit verify', async () => (await import('./audit.ts')).verify],
  ['store copy', async () => (await import('./store.ts')).copy],
]

/**
 * Runs one command line. May be called many times in one process.
 * @param argv without the program's own name
 * @param env the environment that the settings are read from
 * @param io where output goes
 * @returns the exit code: 0 done, 1 refused or failed (the reason is on standard error), 2 wrong usage
 */
export async function runCli(argv: readonly string[], env: NodeJS.ProcessEnv, io: Io): Promise<number> {
  try {
    return await run(argv, env, io)
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`usher: ${error.message}\nSee usher --help.\n`)
      return 2
    }
    io.stderr.write(
      `${explain(error)
        .map((line) => `usher: ${line}\n`)
        .join('')}`,
    )
    return 1
  }
}

async function run(argv: readonly string[], env: NodeJS.ProcessEnv, io: Io): Promise<number> {
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === 'help') {
    io.stdout.write(await overview())
    return argv.length === 0 ? 2 : 0
  }
  if (argv[0] === '--version') {
    io.stdout.write(`${VERSION}\n`)
    return 0
  }
  const { command, rest } = await findCommand(argv)
  if (rest.includes('--help')) {
    io.stdout.write(help(command))
    return 0
  }
  const { input, json } = readInput(command, rest, env)
  const output = await command.run(input, io)
  if (output) io.stdout.write(json ? `${JSON.stringify(output.json, null, 2)}\n` : `${output.text}\n`)
  return output?.failed ? 1 : 0
}

async function findCommand(argv: readonly string[]): Promise<{ command: Command; rest: readonly string[] }> {
  for (const length of [2, 1]) {
    const name = argv.slice(0, length).join(' ')
    const entry = COMMANDS.find(([one]) => one === name)
    if (entry) return { command: await entry[1](), rest: argv.slice(length) }
  }
  const words = COMMANDS.map(([name]) => name).filter((name) => name.startsWith(`${argv[0]} `))
  if (words.length > 0) throw new UsageError(`'${argv[0]}' needs one of: ${words.join(', ')}`)
  throw new UsageError(`there is no command '${argv[0]}'`)
}

function readInput(
  command: Command,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { input: Input; json: boolean } {
  const { values, positionals } = parse(command, args)
  const names = command.positionals ?? []
  if (positionals.length !== names.length) {
    const wanted = names.length === 0 ? 'no further words' : names.map((name) => name.toUpperCase()).join(' ')
    throw new UsageError(`${command.name} takes ${wanted}`)
  }
  for (const [name, option] of Object.entries(command.options ?? {})) {
    if (option.required && values[name] === undefined) throw new UsageError(`${command.name} needs --${name}`)
  }
  const input: Input = {
    config: readConfig(env),
    words: Object.fromEntries(names.map((name, i) => [name, positionals[i] ?? ''])),
    text: (option) => values[option] as string | undefined,
    texts: (option) => (values[option] as string[] | undefined) ?? [],
    flag: (option) => values[option] === true,
  }
  return { input, json: values.json === true }
}

function parse(
  command: Command,
  args: readonly string[],
): { values: Record<string, unknown>; positionals: string[] } {
  const options = Object.entries(command.options ?? {}).map(([name, { type, multiple = false }]) => [
    name,
    { type, multiple },
  ])
  try {
    return parseArgs({
      args: [...args],
      options: { ...Object.fromEntries(options), json: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** What an operator can do something about is said in plain words; anything else is a fault, with its stack. */
function explain(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems
  if (error instanceof DirectoryError) {
    const { cause } = error
    return cause instanceof StoreError ? [cause.message] : [error.message]
  }
  if (error instanceof StoreError || error instanceof SealError || error instanceof PlatformError)
    return [error.message]
  const { code, syscall, address, port, message } = error as Record<string, string | undefined>
  if (code === 'EADDRINUSE') return [`${address}:${port} is taken; set USHER_PORT to another port`]
  if (syscall === 'listen' || syscall === 'getaddrinfo')
    return [`USHER_HOST and USHER_PORT cannot be listened on: ${message}`]
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
}

async function overview(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(([, load]) => load()))
  const width = Math.max(...commands.map((command) => command.name.length))
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`)
  return [
    `usher ${VERSION}: user provisioning for cloud providers`,
    '',
    'usher COMMAND [options]',
    '',
    ...lines,
    '',
    'Every command takes --json and --help. Settings are environment variables; see docs/operating.md.',
    'Exit codes: 0 done, 1 refused or failed, 2 wrong usage.',
    '',
  ].join('\n')
}

function help(command: Command): string {
  const words = (command.positionals ?? []).map((name) => ` ${name.toUpperCase()}`).join('')
  const options = Object.entries(command.options ?? {})
  const spelled = options.map(([name, { value, required, multiple, help: text }]) => {
    const left = `--${name}${value ? ` ${value}` : ''}`
    const notes = [required && 'required', multiple && 'may be repeated'].filter(Boolean).join(', ')
    return [left, notes ? `${text} (${notes})` : text] as const
  })
  const all = [...spelled, ['--json', 'Answer as JSON'] as const]
  const width = Math.max(...all.map(([left]) => left.length))
  return [
    `usher ${command.name}${words} [options]`,
    '',
    command.summary,
    '',
    ...all.map(([left, text]) => `  ${left.padEnd(width)}  ${text}`),
    '',
  ].join('\n')
}
