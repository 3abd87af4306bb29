import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { build, type InlineConfig } from 'vite'
import { BUILD_FILE, hashSources } from './prepare.js'

const DIST = dirname(BUILD_FILE)

/** What a build and the development server have in common. */
export const SETTINGS: InlineConfig = {
  root: import.meta.dirname,
  configFile: false,
  envDir: false,
  publicDir: false,
  plugins: [react()],
}

/** Writes the console to `console/dist`. A server that runs goes on with what it has read. */
async function buildConsole(): Promise<void> {
  const sources = hashSources()
  const folder = `${DIST}.${process.pid}`
  try {
    await build({
      ...SETTINGS,
      // The server writes where it is into the page, and the files find each other from where they are.
      base: './',
      logLevel: 'warn',
      build: {
        outDir: folder,
        emptyOutDir: true,
        target: 'es2023',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        rolldownOptions: { checks: { pluginTimings: false } },
      },
    })
    const files = readdirSync(join(folder, 'assets')).sort()
    await Promise.all(files.map((name) => compress(join(folder, 'assets', name))))
    const page = readFileSync(join(folder, 'index.html'))
    const id = createHash('sha256').update(page).update(files.join()).digest('base64url').slice(0, 12)
    writeFileSync(join(folder, 'build.json'), `${JSON.stringify({ id, sources, files })}\n`)
    replace(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes a file once more as brotli and as gzip, so that the server compresses nothing. */
async function compress(file: string): Promise<void> {
  const bytes = readFileSync(file)
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  writeFileSync(`${file}.br`, await promisify(brotliCompress)(bytes, { params }))
  writeFileSync(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }))
}

/** Puts a finished build in the place of the former one. */
function replace(folder: string): void {
  const former = `${folder}.old`
  try {
    if (statSync(DIST, { throwIfNoEntry: false })) renameSync(DIST, former)
    renameSync(folder, DIST)
  } catch (error) {
    // Another build of the same sources was faster.
    if (!/^(ENOENT|ENOTEMPTY|EEXIST)$/.test(String((error as NodeJS.ErrnoException).code))) throw error
  }
  rmSync(former, { recursive: true, force: true })
  // Newer than the folder, which has just changed: see `is-built`.
  utimesSync(BUILD_FILE, new Date(), new Date())
}

if (import.meta.main) await buildConsole()
