import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { programEnvironment } from '../../testing/environment.ts'
import { findUrl, newCollector, newDataDir } from '../../testing/usher.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A shell that knows neither `exec` nor `sh`, as that of Windows does not. */
const NO_EXEC = `#!/bin/sh
case "$2" in
  'exec '*'||'*) echo "exec: not found" >&2; exec sh -c "\${2#*||}" ;;
  'sh '*'||'*) exec sh -c "\${2#*||}" ;;
  *) exit 127 ;;
esac
`

/** An Usher that `npm start` has started. */
interface Started {
  /** The process of npm, which leads a process group. */
  readonly pid: number
  readonly url: string
  /** How npm ends, and the whole log. */
  readonly ended: Promise<{ readonly code: number | null; readonly log: string }>
}

async function npmStart(t: TestContext, shell?: string): Promise<Started> {
  const { path, remove } = newDataDir()
  const args = ['start', '--silent', ...(shell ? ['--script-shell', shell] : [])]
  const child = spawn('npm', args, {
    cwd: ROOT,
    env: await programEnvironment(path, {}),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const pid = child.pid ?? 0
  const log = newCollector()
  const closed = once(child, 'close')
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL')
    await closed
    remove()
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      log.write(String(chunk))
      const found = findUrl(log.text())
      if (found) resolve(found)
    })
    child.once('close', (code) => reject(new Error(`npm start ended with ${code}: ${log.text()}`)))
  })
  return { pid, url, ended: closed.then(([code]) => ({ code, log: log.text() })) }
}

/**
 * Asserts that Usher stopped in order and that npm waited for it.
 * @param reachesNpm whether npm got the signal too: then it may end by it, once Usher has stopped
 */
async function assertStopped({ ended, url }: Started, signal: string, reachesNpm = false): Promise<void> {
  const { code, log } = await ended
  assert.ok(code === 0 || (reachesNpm && code === null), log)
  assert.match(log, new RegExp(`"signal":"${signal}","msg":"stopping"`))
  assert.match(log, /"msg":"stopped"/)
  await assert.rejects(fetch(`${url}/healthz`))
}

test('SIGTERM to npm start stops Usher in order, and npm waits for it', async (t) => {
  const started = await npmStart(t)
  process.kill(started.pid, 'SIGTERM')
  await assertStopped(started, 'SIGTERM')
})

test('Ctrl-C, which reaches Usher from the terminal and from npm, stops it in order', async (t) => {
  const started = await npmStart(t)
  process.kill(-started.pid, 'SIGINT')
  await assertStopped(started, 'SIGINT', true)
})

test('SIGTERM to all processes, as systemd sends it, and once more, stops it in order', async (t) => {
  const started = await npmStart(t)
  for (let i = 0; i < 2; i++) process.kill(-started.pid, 'SIGTERM')
  await assertStopped(started, 'SIGTERM', true)
})

test('npm start works with a shell that has no exec', async (t) => {
  const shell = newDataDir()
  t.after(shell.remove)
  const file = join(shell.path, 'no-exec')
  writeFileSync(file, NO_EXEC)
  chmodSync(file, 0o755)
  const started = await npmStart(t, file)
  assert.equal((await fetch(`${started.url}/healthz`)).status, 200)
  process.kill(-started.pid, 'SIGINT')
  assert.match((await started.ended).log, /"msg":"stopped"/)
})
