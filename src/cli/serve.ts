import { once } from 'node:events'
import { startApp } from '../app.ts'
import { isSetUp, setUp } from '../directory/setup.ts'
import { newLogger } from '../logger.ts'
import { newMetrics } from '../metrics.ts'
import { openDirectory } from '../open-directory.ts'
import { VERSION } from '../version.ts'
import type { Command } from './command.ts'
import { describeSetup, readSetup, SETUP_OPTIONS } from './init.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Serve the APIs; the first start on an empty directory sets it up',
  options: SETUP_OPTIONS,
  async run(input) {
    const { config } = input
    const log = newLogger(config.logLevel)
    const metrics = newMetrics()
    const asked = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
    const open = await openDirectory(config, metrics.observeCommit)
    try {
      const app = await startApp(config, log, open, metrics)
      // After the port has been taken: secrets that are shown once must not be lost to a start that fails.
      if (!(await isSetUp(open.dir))) {
        const setup = await setUp(open.dir, readSetup(input))
        process.stdout.write(`${describeSetup(setup, app.url)}\n`)
      }
      log.info({ version: VERSION, url: app.url, docs: `${app.url}/docs` }, 'listening')
      const [signal] = await asked
      log.info({ signal }, 'stopping')
      await app.close()
      log.info('stopped')
    } catch (error) {
      await open.close()
      throw error
    }
    return undefined
  },
}
