import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'node:test'
import { pathToFileURL } from 'node:url'

/** A share of the files of a folder: the `part`th of `of`, from 1. */
export interface Share {
  readonly part: number
  readonly of: number
}

/**
 * Runs test files in one process, so that they load the program once, and share servers. `npm test` starts only the
 * files of the folder with a name like `x.y.test.ts`; the others run in their groups.
 */
export async function together(folder: string, share: Share): Promise<void> {
  for (const file of takeShare(listNeutralTests(folder), share))
    describe(file, async () => {
      await import(pathToFileURL(join(folder, file)).href)
    })
}

/** Returns every `of`th file, from the `part`th on. */
export function takeShare(files: readonly string[], { part, of }: Share): string[] {
  return files.filter((_, i) => i % of === part - 1)
}

/** Returns the test files of a folder that are not for one engine, and not groups of others. */
export function listNeutralTests(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /^[^.]+\.test\.ts$/.test(file))
    .sort()
}
