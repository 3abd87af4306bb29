import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { type Rgw, startRgw } from '../../testing/rgw.ts'
import { type StartedTarget, serveHere, startTarget } from '../../testing/target.ts'
import { type ConsoleClient, enterByLink, enterFirst } from '../contract/console-client.ts'
import { createdOf, createUser, newOsisUser, type OsisUser } from '../contract/object-store.ts'

/** A server with an example of people and a gateway, and a browser. One engine has one of them, for all its stories. */
export interface World {
  readonly target: StartedTarget
  readonly rgw: Rgw
  readonly browser: Browser
  /** The first Administrator of the provider, by the API. */
  readonly grace: ConsoleClient
  readonly viewer: ConsoleClient
  /** A customer with a tenant, related to the reseller of the example. */
  readonly quartz: { readonly id: string; readonly name: string; readonly tenantId: string }
  /** Makes a user of OSIS in this customer's tenant, who has an account; returns the user's id. */
  addAccount(email: string): Promise<string>
  /** Makes a one-time link for a person: its path with the fragment. */
  makeLink(email: string): Promise<string>
  /** Stops the server; returns a function that starts it again at the same address. */
  stop(): Promise<() => Promise<void>>
}

export interface OwnedWorld extends World {
  end(): Promise<void>
}

/** Starts the server, and adds people and customers to it. */
export async function openWorld(browser: Browser): Promise<OwnedWorld> {
  const rgw = await startRgw()
  const target = await startTarget(rgw.settings)
  const grace = await enterFirst(target)
  const { operator, init } = target
  const add = async (organization: string, email: string, group: string): Promise<string> => {
    const words = ['--organization', organization, '--email', email, '--group', group]
    return (await target.cli<{ id: string }>('user', 'add', ...words, '--first-name', 'Vera')).id
  }
  const makeLink = async (email: string): Promise<string> => {
    const { link } = await target.cli<{ link: string }>('console', 'link', '--user', email)
    return `/console/enter#${link.split('#')[1]}`
  }
  await add(init.provider.id, 'vera@example.com', 'Viewer')
  const viewer = await enterByLink(target.url, await makeLink('vera@example.com'), { lastName: 'Rubin' })
  let running: { stop(): Promise<unknown> } = target
  const name = 'Quartz Foods'
  const customer = ['--kind', 'customer', '--name', name, '--reseller', init.reseller.id]
  const { id } = await target.cli<{ id: string }>('organization', 'add', ...customer)
  const tenantId = (await operator.createTenant({ customer: id, orgs: ['quartz'] })).id
  return {
    ...{ target, rgw, browser, grace, viewer, makeLink },
    quartz: { id, name, tenantId },
    async addAccount(email) {
      const user = newOsisUser({ cd_tenant_id: 'quartz', email, username: email })
      const response = await createUser(target, tenantId, user)
      if (response.status !== 503) return createdOf<OsisUser>(response).user_id
      // Without the platform the user is kept, and its account waits.
      const { items } = await grace.call<{ items: { id: string }[] }>('GET', `/users?q=${email}`)
      return items[0]?.id ?? assert.fail('the user was not kept')
    },
    async stop() {
      await running.stop()
      const settings = { ...rgw.settings, USHER_PORT: new URL(target.url).port }
      return async () => {
        running = await serveHere(target.dataDir, settings)
      }
    },
    async end() {
      await browser.close()
      await running.stop()
      await target.end()
      rgw.close()
    },
  }
}

/** How a visitor comes. */
interface Visit {
  /** By default as the Administrator of the provider; null for no session. */
  readonly as?: ConsoleClient | null
  readonly dark?: boolean
  readonly language?: 'en' | 'de'
  readonly size?: { readonly width: number; readonly height: number }
}

/** What a person works with: a mouse, or the keyboard alone. */
export type Hand = 'keys' | 'mouse'

/** A person at a browser. Everything that the browser complains about fails the test. */
export interface Visitor {
  readonly page: Page
  readonly context: BrowserContext
  /** Opens a path, and waits until its heading is there. */
  open(path: string): Promise<void>
  /** Clicks, and counts that. */
  click(target: Locator): Promise<void>
  /** Presses a sequence of keys, which counts as one act. */
  press(...keys: readonly string[]): Promise<void>
  /** Opens Find by Ctrl K, or by a click, and takes the first finding: one act. */
  find(text: string, by?: Hand): Promise<void>
  /** Clicks, or goes there by Tab and presses a key, by default Enter: one act. */
  use(target: Locator, by: Hand, key?: string): Promise<void>
  /** How many clicks and sequences of keys there were. */
  readonly acts: () => number
  /** Asserts that axe finds nothing (WCAG 2.2 AA, and its best practices). */
  assertAccessible(what: string): Promise<void>
}

/** What Chromium says about every response that is an error: the tests want some. */
const FAILED_RESPONSE = /^Failed to load resource: (the server responded with a status of [45]|net::ERR_)/
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Opens a browser window of a person. The caller closes it. */
export async function openContext(world: World, options: Visit = {}): Promise<BrowserContext> {
  const { as = world.grace, dark = false, language = 'en', size = { width: 1280, height: 800 } } = options
  const { url } = world.target
  const context = await world.browser.newContext({
    baseURL: url,
    locale: language === 'de' ? 'de-DE' : 'en-GB',
    colorScheme: dark ? 'dark' : 'light',
    viewport: size,
    reducedMotion: 'reduce',
  })
  if (as) {
    const [name = '', value = ''] = as.cookie.split(/=(.*)/s)
    await context.addCookies([{ name, value, url }])
  }
  return context
}

/** Opens a browser window of a person. It is closed after the test. */
export async function visit(t: TestContext, world: World, options: Visit = {}): Promise<Visitor> {
  const context = await openContext(world, options)
  const complaints: string[] = []
  t.after(async () => {
    await context.close()
    assert.deepEqual(complaints, [])
  })
  context.on('console', (message) => {
    const isFault = ['error', 'warning'].includes(message.type()) && !FAILED_RESPONSE.test(message.text())
    if (isFault) complaints.push(message.text())
  })
  context.on('weberror', (error) => complaints.push(String(error.error())))
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  let acts = 0
  return {
    page,
    context,
    async open(path) {
      await page.goto(path)
      await page.locator('h1').first().waitFor()
    },
    async click(target) {
      acts++
      await target.click()
    },
    async press(...keys) {
      acts++
      for (const key of keys) await page.keyboard.press(key)
    },
    async find(text, by = 'keys') {
      acts++
      if (by === 'keys') await page.keyboard.press('Control+k')
      else await page.getByRole('button', { name: /^Find/ }).click()
      await page.getByRole('dialog').getByRole('combobox').fill(text)
      await page.keyboard.press('Enter')
    },
    async use(target, by, key = 'Enter') {
      acts++
      if (by === 'mouse') return target.click()
      await target.waitFor()
      await tabTo(page, target)
      await page.keyboard.press(key)
    },
    acts: () => acts,
    async assertAccessible(what) {
      await settle(page)
      // Pages have no frames, for which axe would open a second page.
      const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] })
      const { violations } = await axe.withTags(RULES).analyze()
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
      assert.deepEqual(found, [], what)
    },
  }
}

/** Waits until nothing of the page is still to come. */
export async function settle(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor()
  await page.getByText(LOADING).first().waitFor({ state: 'detached' })
  await page.locator('[class*=skeleton]').first().waitFor({ state: 'detached' })
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' })
}

/** What a page says that still loads. */
const LOADING = /(Loading|Searching|geladen|gesucht)…/

const MAX_TABS = 80

/** Presses Tab until the target has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let pressed = 0; pressed < MAX_TABS; pressed++) {
    await page.keyboard.press('Tab')
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return
  }
  assert.fail(`Tab does not lead to ${target}`)
}
