import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SCRIPT = join(import.meta.dirname, '../scripts/ceph-rgw')

/** USHER_TEST_CEPH_RGW_URL, …_ACCESS_KEY and …_SECRET_KEY; …_DIR too if `withGateway` started the gateway. */
export type GatewaySettings = Readonly<Record<string, string>>

/**
 * Runs work on the Ceph RGW that the environment names, or on one that is started for it and removed afterwards.
 * The caller handles interrupts, so that the gateway is always removed.
 */
export async function withGateway<T>(work: (settings: GatewaySettings) => Promise<T>): Promise<T> {
  const given = Object.entries(process.env).filter(([name]) => name.startsWith('USHER_TEST_CEPH_RGW_'))
  if (process.env.USHER_TEST_CEPH_RGW_URL) return work(Object.fromEntries(given) as GatewaySettings)
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
    return await work({ ...Object.fromEntries(settings), USHER_TEST_CEPH_RGW_DIR: dir })
  } finally {
    script('wipe')
  }
}
