import { readdirSync, readFileSync } from 'node:fs'

/**
 * Returns how long the threads of a process have run, in µs, by their names. The main thread is `main`; threads with the
 * same name are added up. Linux only, because it reads /proc.
 */
export function cpuByThread(pid: number): Map<string, number> {
  const found = new Map<string, number>()
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    const of = (file: string): string => readFileSync(`/proc/${pid}/task/${id}/${file}`, 'utf8')
    const name = Number(id) === pid ? 'main' : of('comm').trim()
    const us = Number(of('schedstat').split(' ')[0]) / 1000
    found.set(name, (found.get(name) ?? 0) + us)
  }
  return found
}
