import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { useServer } from '../../testing/environment.ts'
import { findServer } from './postgres.ts'

/**
 * Runs test files again, with PostgreSQL as the store of the programs that they start. If there is no PostgreSQL, each
 * file becomes one skipped test with the reason.
 * @param folder the folder of the files
 * @param files their names in the folder
 */
export async function onPostgres(folder: string, files: readonly string[]): Promise<void> {
  const found = await findServer()
  if ('reason' in found) {
    for (const file of files) test(file, { skip: found.reason }, () => undefined)
    return
  }
  useServer(found)
  for (const file of files)
    describe(`${file} on PostgreSQL`, async () => {
      await import(pathToFileURL(join(folder, file)).href)
    })
}
