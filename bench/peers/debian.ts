import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Unpacks a package of Debian, with the libraries that are not installed, into a folder. Nothing is installed.
 * @throws {Error} if apt cannot download it
 */
export function unpackPackage(name: string, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const one of findMissing(name, new Set()))
    execFileSync('apt-get', ['-q', 'download', one], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  for (const file of readdirSync(folder))
    if (file.endsWith('.deb')) execFileSync('dpkg', ['-x', join(folder, file), folder])
}

/** Returns the package, and the libraries that it needs and that are not installed. */
function findMissing(name: string, found: Set<string>): Set<string> {
  found.add(name)
  const text = execFileSync('apt-cache', ['depends', name], { encoding: 'utf8' })
  for (const [, needed = ''] of text.matchAll(/^ +Depends: (lib\S+)$/gm))
    if (!found.has(needed) && !isInstalled(needed)) findMissing(needed, found)
  return found
}

function isInstalled(name: string): boolean {
  return spawnSync('dpkg', ['-s', name], { stdio: 'ignore' }).status === 0
}
