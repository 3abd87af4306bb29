import { startApp } from '../app.ts'
import type { Directory } from '../directory/directory.ts'
import { isSetUp, type Setup, setUp } from '../directory/setup.ts'
import { newLogger } from '../logger.ts'
import { newMetrics } from '../metrics.ts'
import { DirectoryError } from '../model/error.ts'
import { openDirectory } from '../open-directory.ts'
import { VERSION } from '../version.ts'
import type { Command } from './command.ts'
import { describeSetup, readSetup, SETUP_OPTIONS, toJson } from './init.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Serve the APIs; the first start on an empty directory sets it up',
  options: SETUP_OPTIONS,
  async run(input, io) {
    const { config } = input
    const log = newLogger(config.logLevel, io.stderr)
    const metrics = newMetrics()
    const stopped = io.waitForStop?.() ?? new Promise<never>(() => undefined)
    const setup = readSetup(input)
    const open = await openDirectory(config, { serving: true, events: { committed: metrics.observeCommit } })
    let close = (): Promise<void> => open.close()
    try {
      const app = await startApp({ config, log, metrics, open })
      close = () => app.close()
      // After the port has been taken: secrets that are shown once must not be lost to a start that fails.
      const made = await setUpFirst(open.dir, setup)
      if (made) {
        const text = input.flag('json') ? JSON.stringify(toJson(made), null, 2) : describeSetup(made, app.url)
        io.stdout.write(`${text}\n`)
      }
      // Whoever asked for any port has to learn which one it was.
      if (config.port === 0 && !log.isLevelEnabled('info')) io.stdout.write(`USHER=${app.url}\n`)
      log.info({ version: VERSION, url: app.url, docs: `${app.url}/docs` }, 'listening')
      log.info({ signal: await stopped }, 'stopping')
    } finally {
      await close()
    }
    log.info('stopped')
    return undefined
  },
}

/** Sets up an empty directory. Of several processes that start at the same moment one does, and answers what it made. */
async function setUpFirst(
  dir: Directory,
  wanted: { provider: string; portal: string; example: boolean },
): Promise<Setup | undefined> {
  if (await isSetUp(dir)) return undefined
  try {
    return await setUp(dir, wanted)
  } catch (error) {
    if (error instanceof DirectoryError && error.code === 'already_set_up') return undefined
    throw error
  }
}
