import { readdirSync, readFileSync } from 'node:fs'

/** A connection that creates one user after the other. */
export interface Creator {
  /** @throws {Error} if the peer refuses the user */
  create(name: string): Promise<void>
  close(): void
}

/** A program that creates users, running. */
export interface Peer {
  readonly name: string
  /** What a create is, in a few words: what is checked and stored before the response. */
  readonly does: string
  /** Its processes. */
  pids(): readonly number[]
  connect(): Promise<Creator>
  stop(): Promise<unknown>
}

/** Starts a peer. Throws, with the reason, if it cannot be had on this machine. */
export type Start = () => Promise<Peer>

/** The clock of `/proc`, in ticks per second: always 100 on Linux. */
const TICKS = 100

/** Returns the processor time of processes, in ms, with all of their threads. */
export function cpuOf(pids: readonly number[]): number {
  return [...cpuByPid(pids).values()].reduce((sum, ms) => sum + ms, 0)
}

/** Returns the processor time of each process, in ms. Those that have ended are left out. */
export function cpuByPid(pids: readonly number[]): Map<number, number> {
  const found = new Map<number, number>()
  for (const pid of pids) {
    const stat = readText(`/proc/${pid}/stat`)
    // The name of the program is in brackets and may contain spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (stat !== '') found.set(pid, ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS)
  }
  return found
}

/** Returns the resident memory of processes, in bytes. Pages that two of them share count twice. */
export function memoryOf(pids: readonly number[]): number {
  let kib = 0
  for (const pid of pids)
    kib += Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)
  return kib * 1024
}

/** Returns the processes that have a text in their command line, except this one. */
export function findPids(text: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && readText(`/proc/${pid}/cmdline`).includes(text))
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // The process has ended meanwhile.
    return ''
  }
}
