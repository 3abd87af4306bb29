import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectHttp } from './http.ts'
import type { Peer } from './peer.ts'

const PACKAGES = ['scimmy@1', 'scimmy-routers@1', 'express@5']

/** Starts SCIMMY on Express with `users` users in memory, from npm's packages, which are installed into a folder. */
export async function startScimmy(folder: string, users: number): Promise<Peer> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const script = join(folder, 'scimmy-server.js')
  cpSync(join(import.meta.dirname, 'scimmy-server.js'), script)
  const token = randomUUID()
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = spawn(process.execPath, [script, token, String(users)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line) => resolve(String(line).trim()))
    child.once('exit', (code) => reject(new Error(`SCIMMY ended with ${code}`)))
  })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' }
  return {
    name: 'SCIMMY on Express',
    does: 'validated, one shared token, unique; in memory, not durable, no audit',
    pids: () => [child.pid ?? 0],
    connect: () =>
      connectHttp({ url: `http://127.0.0.1:${port}`, path: '/scim/Users', headers, body: toScimUser }),
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

function toScimUser(name: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${name}@example.com`,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ value: `${name}@example.com`, primary: true }],
    active: true,
  }
}
