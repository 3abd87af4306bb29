import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const CACHE = join(import.meta.dirname, '../node_modules/.cache/usher-chromium')
const LAUNCH_MS = 60_000

/** Starts a Chromium, or says why none runs here. The caller closes it. */
export type FoundBrowser = { readonly browser: Browser } | { readonly reason: string }

/** How to start one Chromium. */
interface Program {
  readonly executablePath: string
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Starts the Chromium that `USHER_TEST_CHROMIUM` names, else the one of the packages, else Debian's.
 * @returns the running browser, or why none runs
 */
export async function startBrowser(): Promise<FoundBrowser> {
  const named = process.env.USHER_TEST_CHROMIUM
  const reasons: string[] = []
  for (const find of named
    ? [() => ({ executablePath: named })]
    : [unpack, unpackWithLibraries, findInstalled]) {
    try {
      const found = await find()
      if (found) return { browser: await launch(found) }
    } catch (error) {
      reasons.push(String(error).split('\n').slice(0, 3).join(' '))
    }
  }
  return { reason: `no Chromium runs here: ${reasons.join('; ')}` }
}

/** A sandbox of its own would need rights that a container and root do not have; the tests open only our pages. */
function launch({ executablePath, env }: Program): Promise<Browser> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('USHER_'))
  return chromium.launch({
    executablePath,
    timeout: LAUNCH_MS,
    args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'],
    env: { ...(Object.fromEntries(inherited) as Record<string, string>), ...env },
  })
}

/**
 * Unpacks the Chromium of the packages, once for each version: that takes seconds. Other processes see a whole folder
 * or none.
 */
async function unpack(): Promise<Program> {
  const manifest = createRequire(import.meta.url)
    .resolve('@sparticuz/chromium')
    .replace(/build\/.*$/, 'package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const folder = join(CACHE, version)
  if (!existsSync(folder)) {
    mkdirSync(CACHE, { recursive: true })
    const fresh = mkdtempSync(join(CACHE, 'new-'))
    await inflateAll(join(dirname(manifest), 'bin'), fresh)
    try {
      renameSync(fresh, folder)
    } catch {
      rmSync(fresh, { recursive: true, force: true })
    }
  }
  const fonts = join(folder, 'fonts')
  writeFileSync(join(fonts, 'usher.conf'), toFontConfig(fonts))
  return { executablePath: join(folder, 'chromium'), env: { FONTCONFIG_FILE: join(fonts, 'usher.conf') } }
}

/** The package unpacks to the folder of temporary files, so that is another one meanwhile. */
async function inflateAll(bin: string, folder: string): Promise<void> {
  const { inflate } = await import('@sparticuz/chromium')
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    const files = ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br']
    await Promise.all(files.map((file) => inflate(join(bin, file))))
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

/** The same with the libraries NSS and NSPR of the package, for a machine without them. */
async function unpackWithLibraries(): Promise<Program> {
  const found = await unpack()
  const libraries = join(dirname(found.executablePath), 'al2023/lib')
  return { ...found, env: { ...found.env, LD_LIBRARY_PATH: libraries } }
}

function toFontConfig(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}</dir><dir>/usr/share/fonts</dir><cachedir>${folder}/cache</cachedir></fontconfig>
`
}

function findInstalled(): Program | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const files = folders.flatMap((folder) => names.map((name) => join(folder, name)))
  const found = files.find((file) => existsSync(file) && spawnSync(file, ['--version']).status === 0)
  return found === undefined ? undefined : { executablePath: found }
}
