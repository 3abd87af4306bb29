import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { useServer } from '../../testing/environment.ts'
import { findServer } from './postgres.ts'
import { listNeutralTests } from './together.ts'

/**
 * Runs test files again, with PostgreSQL as the store of the programs that they start. If there is no PostgreSQL, each
 * file becomes one skipped test with the reason.
 * @param folder the folder of the files
 * @param files by default all files in the folder that are not for one engine alone
 */
export async function onPostgres(folder: string, files = listNeutralTests(folder)): Promise<void> {
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
