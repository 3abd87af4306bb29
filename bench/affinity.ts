import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/**
 * Runs work while some processes have the first core to themselves, and this process, with all that it starts, the last
 * one. Afterwards this process may use all cores again.
 * @param pids the processes on the first core, with all of their threads
 */
export async function withCores(pids: readonly number[], work: () => Promise<void>): Promise<void> {
  const last = availableParallelism() - 1
  for (const pid of pids) pin(pid, '0')
  pin(process.pid, String(last))
  try {
    await work()
  } finally {
    pin(process.pid, `0-${last}`)
  }
}

function pin(pid: number, cores: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
}
