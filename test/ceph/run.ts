import { execFileSync, spawn } from 'node:child_process'
import { globSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * `npm run test:ceph`: the tests of this folder, on the Ceph RGW that USHER_TEST_CEPH_RGW_URL, …_ACCESS_KEY and
 * …_SECRET_KEY name, or on one that is started for them and removed afterwards. File names may be given to run those.
 */
const SCRIPT = join(import.meta.dirname, '../../scripts/ceph-rgw')
const files =
  process.argv.length > 2 ? process.argv.slice(2) : globSync(join(import.meta.dirname, '*.ceph.ts'))

// An interrupted run removes its gateway too: the tests get the signal themselves, and end.
process.on('SIGINT', () => undefined)
process.exitCode = process.env.USHER_TEST_CEPH_RGW_URL ? await runTests({}) : await runOnOwn()

async function runOnOwn(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'usher-test-ceph-'))
  const script = (command: string): string =>
    execFileSync(SCRIPT, [command], {
      encoding: 'utf8',
      env: { ...process.env, CEPH_RGW_DIR: dir },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  script('start')
  try {
    const settings = script('env')
      .trim()
      .split('\n')
      .map((line) => line.replace(/^USHER_/, 'USHER_TEST_').split('=') as [string, string])
    return await runTests({ ...Object.fromEntries(settings), USHER_TEST_CEPH_RGW_DIR: dir })
  } finally {
    script('wipe')
  }
}

/** One file after the other: some of them stop the gateway. The limit holds for a whole file, too. */
function runTests(settings: Record<string, string>): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-concurrency=1', '--test-timeout=300000', ...files],
    {
      env: { ...process.env, ...settings },
      stdio: 'inherit',
    },
  )
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}
