import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startBrowser } from '../../testing/browser.ts'
import { waitUntil } from '../../testing/wait.ts'
import { openContext, openWorld, type World } from './world.ts'

// Writes a picture of each page of the console, light and dark, to docs/console: `npm run console:screenshots`.

const FOLDER = join(import.meta.dirname, '../../docs/console')
const SIZE = { width: 1240, height: 780 }

const PEOPLE = [
  ['Ada', 'Lovelace'],
  ['Katherine', 'Johnson'],
  ['Dorothy', 'Vaughan'],
  ['Mary', 'Jackson'],
  ['Annie', 'Easley'],
  ['Radia', 'Perlman'],
] as const

/** Adds people whose states differ: on the platform, failing, without an account. Returns whom the pages are about. */
async function addExample(world: World): Promise<{ failing: string; correlationId: string }> {
  const { grace, quartz, rgw } = world
  let correlationId = ''
  for (const [firstName, lastName] of PEOPLE) {
    const email = `${firstName}.${lastName}@quartz.example`.toLowerCase()
    const response = await grace.send('POST', `/organizations/${quartz.id}/users`, {
      email,
      firstName,
      lastName,
    })
    correlationId = String(response.headers['x-correlation-id'])
  }
  await world.addAccount('backup@quartz.example')
  rgw.down = true
  const failing = await world.addAccount('archive@quartz.example')
  type Accounts = { accounts: { cause: object | null }[] }
  await waitUntil(async () => {
    const { accounts } = await grace.call<Accounts>('GET', `/users/${failing}/account`)
    return Boolean(accounts[0]?.cause)
  }, 20_000)
  return { failing, correlationId }
}

async function main(): Promise<void> {
  const found = await startBrowser()
  if ('reason' in found) throw new Error(found.reason)
  const world = await openWorld(found.browser)
  try {
    const { failing, correlationId } = await addExample(world)
    const pages = {
      users: '/console/users',
      user: `/console/users/${failing}`,
      'new-user': `/console/users/new?org=${world.quartz.id}`,
      find: '/console/find?q=quartz',
      organizations: '/console/organizations',
      organization: `/console/organizations/${world.quartz.id}`,
      audit: '/console/audit',
      request: `/console/audit/${correlationId}`,
    }
    mkdirSync(FOLDER, { recursive: true })
    for (const dark of [false, true]) {
      const context = await openContext(world, { dark, size: SIZE })
      const page = await context.newPage()
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(path)
        await page.locator('h1').first().waitFor()
        await page.waitForLoadState('networkidle')
        await page.screenshot({ path: join(FOLDER, `${name}-${dark ? 'dark' : 'light'}.png`) })
      }
      await context.close()
    }
  } finally {
    await world.end()
  }
}

await main()
