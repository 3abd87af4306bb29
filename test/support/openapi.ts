import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { newLogger } from '../../src/logger.ts'
import { newMetrics } from '../../src/metrics.ts'
import { openDirectory } from '../../src/open-directory.ts'
import { newDataDir } from '../../testing/usher.ts'

/** The dialects that have an OpenAPI document. */
export const DOCUMENTS = ['customer', 'osis', 'oauth', 'system', 'console'] as const

/**
 * Returns the documents that a running Usher serves, by name, in the form of the files in docs/openapi.
 * @param settings in addition to those of the files
 */
export async function readDocuments(
  settings: Readonly<Record<string, string>> = {},
): Promise<Map<string, string>> {
  const { path, remove } = newDataDir()
  const config = await readConfig({
    USHER_DATA_DIR: path,
    USHER_PORT: '0',
    USHER_PUBLIC_URL: 'http://127.0.0.1:8080',
    USHER_LOG_LEVEL: 'silent',
    ...settings,
  })
  const app = await startApp({
    config,
    log: await newLogger('silent', process.stderr),
    metrics: newMetrics(),
    open: await openDirectory(config),
  })
  const texts = new Map<string, string>()
  for (const name of DOCUMENTS) {
    const response = await fetch(`${app.url}/openapi/${name}.json`)
    texts.set(name, `${JSON.stringify(await response.json(), null, 2)}\n`)
  }
  await app.close()
  remove()
  return texts
}
