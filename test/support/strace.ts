import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The calls that change files or send responses. */
const CALLS =
  'openat,rename,renameat2,link,unlink,unlinkat,rmdir,mkdir,ftruncate,fallocate,pwrite64,pwritev,write,writev,fsync,fdatasync'

/** More bytes than one call writes here. */
const LONGEST = 1_000_000

/** Why strace cannot follow a program here, or undefined if it can. It is the reason with which tests are skipped. */
export function findNoStrace(): string | undefined {
  const { status, error, stderr } = spawnSync(
    'strace',
    ['-D', '-f', '--seccomp-bpf', '-e', 'trace=fsync', 'true'],
    {
      encoding: 'utf8',
    },
  )
  return status === 0 ? undefined : `strace cannot run: ${error?.message ?? stderr.trim()}`
}

/**
 * Returns the shell command that starts a program under strace, which writes its calls to `file`.
 * @param fault what fails, in strace's words: `fdatasync:error=EIO:when=5+`. Default: nothing
 */
export function traceCalls(file: string, fault?: string): string {
  const inject = fault ? `-e inject=${fault}` : ''
  return `exec strace -D -f --seccomp-bpf -y -xx -s ${LONGEST} -e trace=${CALLS} ${inject} -o '${file}' "$0" "$@"`
}

/** Returns the shell command that starts a program in which some calls fail, as for `traceCalls`. */
export function failCalls(fault: string): string {
  const [call] = fault.split(':')
  return `exec strace -D -f --seccomp-bpf -e trace=${call} -e inject=${fault} -o /dev/null "$0" "$@"`
}

/** One call of the system. */
export interface Call {
  readonly name: string
  /** The file of the call: of its first argument, or the one that a path names. */
  readonly path: string
  /** The second path of a rename or a link. */
  readonly to: string
  readonly flags: string
  /** What it writes. */
  readonly data: Buffer
  /** The offset of a write, the length of a truncation. */
  readonly offset: number
  /** What it returned; undefined until it has ended, and if its process was killed before. */
  result: number | undefined
}

/** A call that begins or ends. */
export interface Step {
  readonly call: Call
  readonly phase: 'begin' | 'end'
}

const LINE = /^(\d+)\s+(.*)$/s
const UNFINISHED = ' <unfinished ...>'
const RESUMED = /^<\.\.\. (\w+) resumed>/
const RESULT = /\) += (-?\d+|\?)[^=]*$/
const HEX = String.raw`(?:\\x[0-9a-f]{2})*`
const TEXTS = new RegExp(`"(${HEX})"`, 'g')
const FIRST_FILE = new RegExp(`^\\w+\\(\\d+<(${HEX})>(\\(deleted\\))?`)

/** Reads a trace of `traceCalls`, in the order of the calls. */
export function* readTrace(file: string): Generator<Step> {
  const open = new Map<string, Call>()
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const [, thread = '', text = ''] = LINE.exec(line) ?? []
    const known = open.get(thread)
    if (RESUMED.test(text) && known) {
      known.result = toResult(text)
      open.delete(thread)
      yield { call: known, phase: 'end' }
    } else if (/^\w+\(/.test(text)) {
      const call = toCall(text)
      yield { call, phase: 'begin' }
      if (text.endsWith(UNFINISHED)) {
        open.set(thread, call)
        continue
      }
      call.result = toResult(text)
      yield { call, phase: 'end' }
    }
  }
  for (const call of open.values()) yield { call, phase: 'end' }
}

function toCall(text: string): Call {
  const name = text.slice(0, text.indexOf('('))
  const [, file, deleted] = FIRST_FILE.exec(text) ?? []
  const texts = Array.from(text.matchAll(TEXTS), ([, hex = '']) => decode(hex))
  const isWrite = /write/.test(name)
  const paths = texts.map(String)
  return {
    name,
    path: file === undefined ? (paths[0] ?? '') : `${decode(file)}${deleted ?? ''}`,
    to: paths[1] ?? '',
    flags: /O_[A-Z_|0-9O]+/.exec(text)?.[0] ?? '',
    data: isWrite ? Buffer.concat(texts) : Buffer.alloc(0),
    offset: Number(/, (\d+)(?:\) +=.*| <unfinished \.\.\.>)$/.exec(text)?.[1] ?? 0),
    result: undefined,
  }
}

function toResult(text: string): number {
  const found = RESULT.exec(text.slice(-2_000))?.[1]
  return found === undefined || found === '?' ? -1 : Number(found)
}

function decode(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}
