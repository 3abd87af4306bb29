import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { type GatewaySettings, withGateway } from '../../testing/ceph-rgw.ts'
import { COMPILED, IMPORT_HOOK } from '../../testing/loading.ts'

/**
 * `npm run test:ceph`: the tests of this folder, on the Ceph RGW that USHER_TEST_CEPH_RGW_URL, …_ACCESS_KEY and
 * …_SECRET_KEY name, or on one that is started for them and removed afterwards. File names may be given to run those.
 */
const files =
  process.argv.length > 2 ? process.argv.slice(2) : globSync(join(import.meta.dirname, '*.ceph.ts'))

// An interrupted run removes its gateway too: the tests get the signal themselves, and end.
process.on('SIGINT', () => undefined)
process.exitCode = await withGateway(runTests)

/** One file after the other: some of them stop the gateway. The limit holds for a whole file, too. */
function runTests(settings: GatewaySettings): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--import', IMPORT_HOOK, '--test', '--test-concurrency=1', '--test-timeout=300000', ...files],
    {
      env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, ...settings },
      stdio: 'inherit',
    },
  )
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}
