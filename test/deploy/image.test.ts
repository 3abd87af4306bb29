import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../../testing/wait.ts'

const ROOT = join(import.meta.dirname, '../..')
const BASE = 'node:26-bookworm-slim'
const MINUTE = 60_000

/** A container engine that runs containers of the base image, or why the image cannot be built here. */
function findEngine(): { readonly name: string } | { readonly missing: string } {
  const name = ['docker', 'podman'].find((one) => spawnSync(one, ['info'], { timeout: 20_000 }).status === 0)
  if (!name) return { missing: 'no container engine runs on this machine' }
  const tried = spawnSync(name, ['run', '--rm', BASE, 'node', '--version'], { timeout: 3 * MINUTE })
  return tried.status === 0 ? { name } : { missing: `${name} cannot run a container of ${BASE}` }
}

const engine = findEngine()

test('the image sets a volume up, serves as a user without rights, is healthy, and stops', {
  skip: 'missing' in engine && engine.missing,
}, async (t) => {
  if ('missing' in engine) return
  const id = `usher-test-${randomUUID().slice(0, 8)}`
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(engine.name, args, { encoding: 'utf8', timeout: 10 * MINUTE })
  const ok = (...args: string[]): string => {
    const { status, stdout, stderr } = run(...args)
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }
  removeAfter(t, run, id)
  // Podman's own format has no health check.
  ok('build', ...(engine.name === 'podman' ? ['--format', 'docker'] : []), '--tag', id, ROOT)
  assert.doesNotMatch(ok('history', '--no-trunc', id), /_SECRET=|MASTER_KEY=/)
  ok('volume', 'create', id)
  const mount = ['--volume', `${id}:/data`]

  const empty = run('run', '--rm', ...mount, id)
  assert.equal(empty.status, 1)
  assert.match(empty.stderr, /usher init/)
  const init = JSON.parse(ok('run', '--rm', ...mount, id, 'init', '--json')) as { portal: string }
  assert.equal(init.portal, 'localhost')
  ok('run', '--detach', '--name', id, '--read-only', '--publish', '127.0.0.1::8080', ...mount, id)
  const address = ok('port', id, '8080').split('\n')[0]
  await waitUntil(
    async () => (await fetch(`http://${address}/readyz`).catch(() => undefined))?.status === 200,
    MINUTE,
  )
  assert.equal(ok('exec', id, 'id', '-un'), 'node')
  const health = await waitForHealth(() => ok('inspect', '--format', '{{.State.Health.Status}}', id))
  assert.equal(health, 'healthy')
  ok('stop', id)
  assert.equal(ok('inspect', '--format', '{{.State.ExitCode}}', id), '0')
})

/** Waits until the engine has run the health check once. */
async function waitForHealth(read: () => string): Promise<string> {
  await waitUntil(async () => read() !== 'starting', 2 * MINUTE)
  return read()
}

function removeAfter(t: TestContext, run: (...args: string[]) => unknown, id: string): void {
  t.after(() => {
    run('rm', '--force', id)
    run('volume', 'rm', '--force', id)
    run('rmi', '--force', id)
  })
}
