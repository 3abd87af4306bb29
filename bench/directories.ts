import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { LATEST_VERSION } from '../src/store/migrations/latest.ts'
import { type Init, usherJson } from '../testing/usher.ts'
import { loadUsers } from './targets.ts'

/** A data directory with users, and what `usher init` printed. */
export interface Filled {
  readonly dataDir: string
  readonly init: Init
}

/** Where directories are made, and where full ones are kept for later runs. */
export interface Folders {
  readonly work: string
  readonly cache: string
}

/**
 * Returns a new directory on SQLite whose first customer has users, all of them in the lists and in the index of the
 * audit log. It is copied from the cache, which keeps one for each number of users and version of the schema.
 */
export async function fillDirectory({ work, cache }: Folders, users: number): Promise<Filled> {
  const version = `v${LATEST_VERSION}-`
  const kept = join(cache, `${version}${users}`)
  if (!existsSync(kept)) {
    mkdirSync(cache, { recursive: true })
    for (const name of readdirSync(cache))
      if (/^v\d+-/.test(name) && !name.startsWith(version)) rmSync(join(cache, name), { recursive: true })
    const made = join(work, `new-${users}`)
    const init = await usherJson<Init>(made, ['init'])
    await loadUsers(made, ['--users', String(users), '--follow'])
    writeFileSync(join(made, 'init.json'), JSON.stringify(init), { mode: 0o600 })
    // Under its name only when it is whole. Another run may have made it meanwhile.
    const whole = join(cache, `new-${process.pid}-${users}`)
    cpSync(made, whole, { recursive: true })
    if (existsSync(kept)) rmSync(whole, { recursive: true })
    else renameSync(whole, kept)
    rmSync(made, { recursive: true })
  }
  const dataDir = join(work, `${users}-${readdirSync(work).length}`)
  cpSync(kept, dataDir, { recursive: true })
  // Otherwise the system writes the copy to disk while creates are measured.
  execFileSync('sync')
  return { dataDir, init: JSON.parse(readFileSync(join(dataDir, 'init.json'), 'utf8')) as Init }
}
