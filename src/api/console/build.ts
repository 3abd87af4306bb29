import { hash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where `npm run console:build` writes, from the sources and from a package alike. */
const DIST = join(import.meta.dirname, '../../../console/dist')

/** The built console: the browser's half. */
export interface ConsoleBuild {
  /** Tells builds apart. It is the same for the same sources. */
  readonly id: string
  /** The names of the files in `assets`. Each is there as brotli and as gzip too. */
  readonly files: ReadonlySet<string>
  /** The folder of the files. */
  readonly folder: string
  /**
   * Returns the page that loads the console.
   * @param base the path at which a proxy serves Usher, as `Place` has it
   */
  toPage(base: string): { readonly html: string; readonly etag: string }
}

/**
 * Creates what finds the built console. It reads a build once, and again when another one has taken its place.
 * @param dist the folder that the build is in
 * @returns the build; undefined if the console has not been built
 */
export function newBuildFinder(dist = DIST): () => ConsoleBuild | undefined {
  const file = join(dist, 'build.json')
  let found: { readonly version: number; readonly build: ConsoleBuild } | undefined
  return () => {
    try {
      const version = statSync(file).mtimeMs
      if (found?.version !== version) found = { version, build: readBuild(dist, file) }
      return found.build
    } catch {
      return undefined
    }
  }
}

function readBuild(dist: string, file: string): ConsoleBuild {
  const { id, files } = JSON.parse(readFileSync(file, 'utf8')) as { id: string; files: string[] }
  const template = readFileSync(join(dist, 'index.html'), 'utf8')
  const pages = new Map<string, { html: string; etag: string }>()
  return {
    id,
    files: new Set(files),
    folder: join(dist, 'assets'),
    toPage(base) {
      const page = pages.get(base) ?? toPage(template, id, base)
      pages.set(base, page)
      return page
    },
  }
}

/** A page may not name its base (`base-uri` of the policy), so its addresses get it, and the script reads it. */
function toPage(template: string, id: string, base: string): { html: string; etag: string } {
  const path = base.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  const html = template
    .replace('<html lang="en">', () => `<html lang="en" data-base="${path}" data-build="${id}">`)
    .replaceAll('"./assets/', () => `"${path}/console/assets/`)
  return { html, etag: `"${hash('sha256', html, 'base64url').slice(0, 16)}"` }
}
