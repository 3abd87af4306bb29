import { Command, CommanderError } from 'commander'
import { escapeLine } from '../escape.ts'
import { VERSION } from '../version.ts'
import type { Io, Session } from './command.ts'
import { explainError } from './errors.ts'
import { complain, OutputError, writeOutput } from './output.ts'

/** Adds options, subcommands and actions to a command. */
type Define = (command: Command, session: Session) => void

/** The commands of the first level. A command's file is loaded only when it runs, so commands start fast. */
const COMMANDS: readonly (readonly [name: string, description: string, load: () => Promise<Define>])[] = [
  ['serve', 'Start the server', async () => (await import('./serve.ts')).defineServe],
  ['init', 'Set up an empty directory', async () => (await import('./init.ts')).defineInit],
  [
    'status',
    'Show the ids that init printed, without secrets',
    async () => (await import('./status.ts')).defineStatus,
  ],
  [
    'migrate',
    'Bring the database schema up to date',
    async () => (await import('./migrate.ts')).defineMigrate,
  ],
  [
    'config',
    'Show every setting, its value (secrets stay hidden) and where it comes from',
    async () => (await import('./config.ts')).defineConfig,
  ],
  [
    'find',
    'Find anything by an id, a key, an e-mail address, a domain or words',
    async () => (await import('./find.ts')).defineFind,
  ],
  [
    'explain',
    'Say why a user, an account, a request or an access works or does not',
    async () => (await import('./explain.ts')).defineExplain,
  ],
  [
    'organization',
    'Manage resellers and customers',
    async () => (await import('./organization.ts')).defineOrganization,
  ],
  ['portal', 'Manage the domains of partner portals', async () => (await import('./portal.ts')).definePortal],
  [
    'client',
    'Manage the programs that may call the APIs',
    async () => (await import('./client.ts')).defineClient,
  ],
  ['group', 'List the permission groups', async () => (await import('./group.ts')).defineGroup],
  ['user', 'Manage the users of an organization', async () => (await import('./user.ts')).defineUser],
  [
    'import',
    'List, resume and undo imports of users',
    async () => (await import('./import.ts')).defineImport,
  ],
  [
    'tenant',
    'Manage the tenants of customers on the storage platform',
    async () => (await import('./tenant.ts')).defineTenant,
  ],
  [
    'account',
    'Manage the accounts of users on the storage platform',
    async () => (await import('./account.ts')).defineAccount,
  ],
  [
    'credential',
    'Make, list, disable and remove S3 keys of users',
    async () => (await import('./account.ts')).defineCredential,
  ],
  [
    'platform',
    'Show, retry and check the accounts on the storage platform',
    async () => (await import('./platform.ts')).definePlatform,
  ],
  [
    'webhook',
    'Send events to systems that follow the directory',
    async () => (await import('./webhook.ts')).defineWebhook,
  ],
  ['job', 'Follow, stop and resume long work', async () => (await import('./job.ts')).defineJob],
  [
    'token',
    'Manage the refresh tokens of OSIS clients',
    async () => (await import('./token.ts')).defineToken,
  ],
  [
    'console',
    'Let people enter the console, and end their sessions',
    async () => (await import('./console.ts')).defineConsole,
  ],
  [
    'key',
    'Replace the master key and the key that signs tokens',
    async () => (await import('./key.ts')).defineKey,
  ],
  ['audit', 'Read and verify the audit log', async () => (await import('./audit.ts')).defineAudit],
  [
    'backup',
    'Back up a SQLite store to one file, also while Usher serves',
    async () => (await import('./backup.ts')).defineBackup,
  ],
  ['restore', 'Restore a backup of a SQLite store', async () => (await import('./restore.ts')).defineRestore],
  ['store', 'Copy the directory to another database', async () => (await import('./store.ts')).defineStore],
]

const NOTES = `
Run 'usher help COMMAND' for the options of a command. Settings are environment
variables; docs/operating.md lists them.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.`

/**
 * Runs one command line. May be called many times in one process.
 * @param argv the words after the program's name
 * @param env the environment that the settings are read from
 * @param io receives the output
 * @returns the exit code: 0 done, 1 refused or failed (the reason is on standard error), 2 wrong usage
 */
export async function runCli(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  io: Io,
): Promise<number> {
  const session: Session = { io, env, exitCode: 0 }
  const help: string[] = []
  try {
    const words = toWords(argv)
    const program = newProgram(session, help)
    await loadCommand(program, words, session)
    await program.parseAsync(withoutUnknownHelp(program, words), { from: 'user' })
    return session.exitCode
  } catch (error) {
    // Commander has already printed what is wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? printHelp(io, help.join('')) : 2
    for (const line of explainError(error)) complain(io.stderr, line)
    return 1
  }
}

/** Prints the help or the version. Returns the exit code. */
async function printHelp(io: Io, text: string): Promise<number> {
  try {
    await writeOutput(io.stdout, text)
    return 0
  } catch (error) {
    if (!(error instanceof OutputError)) throw error
    if (error.isClosed) return 0
    complain(io.stderr, error.message)
    return 1
  }
}

/** Turns `help user add` into `user add --help`. Commander itself would show only the help of `user`. */
function toWords(argv: readonly string[]): readonly string[] {
  const [first, ...others] = argv
  if (first !== 'help') return argv
  const isKnown = others.length === 0 || COMMANDS.some(([name]) => name === others[0])
  return isKnown ? [...others, '--help'] : others
}

/**
 * Leaves out `--help` after a subcommand that does not exist, so that commander refuses the subcommand. It would show the
 * help of the command otherwise.
 */
function withoutUnknownHelp(program: Command, words: readonly string[]): readonly string[] {
  const [word, subword] = words
  const { commands = [] } = program.commands.find((one) => one.name() === word) ?? {}
  if (commands.length === 0 || subword === undefined || subword.startsWith('-')) return words
  const isKnown = commands.some((one) => [one.name(), ...one.aliases()].includes(subword))
  return isKnown ? words : words.filter((one) => one !== '--help' && one !== '-h')
}

/** @param help receives the help or the version, since commander does not wait for a write */
function newProgram(session: Session, help: string[]): Command {
  const program = new Command('usher')
    .description('User provisioning for cloud providers')
    .version(VERSION, '-V, --version', 'Print the version')
    .exitOverride()
    .configureOutput(newOutput(session.io, help))
    .helpOption('-h, --help', 'Show help')
    .helpCommand('help [command]', 'Show the help of a command')
    .addHelpText('after', NOTES)
    .showHelpAfterError("Run 'usher --help' for help.")
  for (const [name, description] of COMMANDS) program.command(name).description(description)
  return program
}

/** Loads the file of the command that the words name. The program itself has no option that takes a value. */
async function loadCommand(program: Command, words: readonly string[], session: Session): Promise<void> {
  const word = words.find((one) => !one.startsWith('-'))
  const command = program.commands.find((one) => one.name() === word)
  const [, , load] = COMMANDS.find(([name]) => name === word) ?? []
  if (!command || !load) return
  const define = await load()
  define(command, session)
  completeCommand(command, 'usher')
}

/** Adds to a command and its subcommands what all commands have, such as the option --json. */
function completeCommand(command: Command, parent: string): void {
  const name = `${parent} ${command.name()}`
  command.showHelpAfterError(`Run '${name} --help' for help.`)
  command.helpCommand(false)
  if (command.commands.length === 0) command.option('--json', 'Print JSON')
  refuseRepeated(command)
  checkRequiredLast(command)
  for (const subcommand of command.commands) completeCommand(subcommand, name)
}

/**
 * Refuses an option that is given twice. Commander itself would use the last value and drop the others. Options that
 * take several values may be repeated.
 */
function refuseRepeated(command: Command): void {
  const given = new Set<string>()
  for (const option of command.options.filter(({ variadic }) => !variadic)) {
    const name = option.name()
    command.on(`option:${name}`, () => {
      if (given.has(name)) command.error(`error: option '${option.flags}' must be given only once`)
      given.add(name)
    })
  }
}

/**
 * Checks the required options of a command after everything else. Commander itself checks them first: it would say that
 * an option is missing if it is only misspelled.
 */
function checkRequiredLast(command: Command): void {
  const required = command.options.filter((option) => option.mandatory)
  for (const option of required) {
    option.makeOptionMandatory(false)
    option.helpGroup('Required options:')
  }
  command.hook('preAction', () => {
    const missing = required.find((option) => command.getOptionValue(option.attributeName()) === undefined)
    if (missing) command.error(`error: required option '${missing.flags}' not specified`)
  })
}

function newOutput({ stdout, stderr }: Io, help: string[]): ReturnType<Command['configureOutput']> {
  return {
    writeOut: (text) => help.push(text),
    writeErr: (text) => stderr.write(text.split('\n').map(escapeLine).join('\n')),
    // Commander puts a suggestion into a second line. The text may quote what was typed, line breaks too.
    outputError: (text) =>
      complain(
        stderr,
        text
          .replace(/^error: /, '')
          .replace('\n(', ' (')
          .trimEnd(),
      ),
    getOutHelpWidth: () => stdout.columns ?? 80,
    getErrHelpWidth: () => stderr.columns ?? 80,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  }
}
