import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { FULL_LENGTH } from '../../testing/full-length.ts'
import { settle, visit, type World } from './world.ts'

/** The paths of all pages. */
async function listPaths({ grace, quartz, target }: World): Promise<string[]> {
  const { items } = await grace.call<{ items: { id: string }[] }>('GET', '/users?q=grace')
  const user = items[0]?.id ?? assert.fail('there is no user')
  const { headers } = await grace.send('POST', `/organizations/${quartz.id}/users`, {
    email: `listed-${Date.now()}@quartz.example`,
  })
  const organization = `/console/organizations/${quartz.id}`
  return [
    ...['/console/users', '/console/users?q=nothing-like-this', `/console/users/${user}`],
    ...[`/console/users/${user}/edit`, `/console/users/new?org=${quartz.id}`, '/console/find?q=grace'],
    ...['/console/organizations', organization, `/console/organizations/${target.init.provider.id}`],
    ...['tenant', 'relations', 'access', 'audit'].map((tab) => `${organization}/${tab}`),
    ...['/console/audit', `/console/audit/${headers['x-correlation-id']}`, '/console/you'],
    ...['/console/nothing', '/console/users/00000000-0000-4000-8000-000000000000'],
  ]
}

/** Lists the words in cells of tables that stand on two lines. Parts of ids and addresses are words. */
const BROKEN_WORDS = `[...document.querySelectorAll('td')].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
  const broken = []
  while (texts.nextNode()) {
    const { data } = texts.currentNode
    for (const { 0: word, index } of data.matchAll(/[^-_.@$:\\/\\s]+/g)) {
      const range = new Range()
      range.setStart(texts.currentNode, index)
      range.setEnd(texts.currentNode, index + word.length)
      if (word.length <= 24 && range.getClientRects().length > 1) broken.push(word)
    }
  }
  return broken
})`

/** Enter in a dialog that asks before something is removed must not remove it. */
async function assertEnterCancels(page: Page): Promise<void> {
  const dialog = page.getByRole('alertdialog')
  await dialog.waitFor()
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Cancel')
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
}

/** Every page, for people who see, hear or move in other ways. */
export function accessibility(getWorld: () => World): void {
  const looks = [
    { dark: false, language: 'en' },
    { dark: true, language: 'de' },
    ...(FULL_LENGTH
      ? ([
          { dark: true, language: 'en' },
          { dark: false, language: 'de' },
        ] as const)
      : []),
  ] as const
  for (const [at, look] of looks.entries())
    test(`axe finds nothing on any page, ${look.dark ? 'dark' : 'light'}, ${look.language}`, async (t) => {
      const world = getWorld()
      const { page, open, assertAccessible } = await visit(t, world, look)
      const paths = await listPaths(world)
      // In a short run, each page has one of the looks.
      for (const path of paths.filter((_, i) => FULL_LENGTH || i % looks.length === at)) {
        await open(path)
        await assertAccessible(path)
        assert.equal(await page.locator('html').getAttribute('lang'), look.language)
      }
    })

  test('axe finds nothing in dialogs and menus', async (t) => {
    const world = getWorld()
    const id = await world.addAccount('dialogs@quartz.example')
    const { page, open, assertAccessible } = await visit(t, world)
    await open(`/console/users/${id}`)
    await page.keyboard.press('Control+k')
    await assertAccessible('Find without a text')
    await page.getByRole('combobox').fill('grace')
    await page
      .getByRole('option', { name: /Grace Hopper/ })
      .first()
      .waitFor()
    await assertAccessible('Find with hits')
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await assertAccessible('the shortcuts')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /Grace Hopper/ }).click()
    await assertAccessible('the menu of the person')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('alertdialog').waitFor()
    await assertAccessible('a deletion that is asked about')
    await assertEnterCancels(page)
    await page
      .getByRole('button', { name: /^Delete the key/ })
      .first()
      .click()
    await assertEnterCancels(page)
    await open(`/console/users/new`)
    await page.getByRole('button', { name: /Organization/ }).click()
    await page.getByRole('combobox').fill('Quartz')
    await page.getByRole('option').first().waitFor()
    await assertAccessible('the choice of an organization')
  })

  test('single letters go where they say, not out of a field, and can be switched off', async (t) => {
    const { page, open } = await visit(t, getWorld())
    await open('/console/audit')
    await page.keyboard.press('g')
    await page.keyboard.press('u')
    await page.waitForURL(/\/console\/users/)
    await page.locator('main tbody a').first().waitFor()
    await page.getByRole('region', { name: 'Users' }).focus()
    await page.keyboard.press('j')
    const focused = () => page.evaluate('document.activeElement.closest("tr")?.dataset.index')
    assert.equal(await focused(), '0')
    await page.keyboard.press('j')
    assert.equal(await focused(), '1')
    await page.keyboard.press('k')
    assert.equal(await focused(), '0')
    const again = page.waitForResponse(/\/console\/api\/users\?/)
    await page.keyboard.press('r')
    await again
    await page.keyboard.press('/')
    await page.keyboard.type('gone')
    assert.equal(await page.getByRole('searchbox').inputValue(), 'gone')
    await open('/console/you')
    await page.getByLabel(/letters/i).uncheck()
    await page.getByRole('heading', { level: 1 }).focus()
    for (const key of ['g', 'u', '?']) await page.keyboard.press(key)
    assert.match(page.url(), /\/console\/you/)
    assert.equal(await page.getByRole('dialog').count(), 0)
  })

  test('names and ids in narrow tables break between words, and one click selects an id', async (t) => {
    const { page, open } = await visit(t, getWorld(), { size: { width: 660, height: 800 } })
    for (const path of ['/console/organizations', '/console/users', '/console/audit']) {
      await open(path)
      await settle(page)
      assert.deepEqual(await page.evaluate(BROKEN_WORDS), [], path)
    }
    await open('/console/organizations')
    await page.locator('td code').first().click()
    const selected = await page.evaluate('getSelection().toString()')
    assert.equal(selected, await page.locator('td code').first().textContent())
  })

  test('with forced colours, states and the focus have shapes', async (t) => {
    const world = getWorld()
    const { page, open, assertAccessible } = await visit(t, world)
    await page.emulateMedia({ forcedColors: 'active' })
    const { items } = await world.grace.call<{ items: { id: string }[] }>('GET', '/users?q=grace')
    await open(`/console/users/${items[0]?.id}`)
    await settle(page)
    await assertAccessible('a user with forced colours')
    const styleOf = (selector: string, name: string, pseudo = '') =>
      page.evaluate(`getComputedStyle(document.querySelector('${selector}'), '${pseudo}').${name}`)
    assert.equal(await styleOf('nav [aria-current]', 'outlineStyle'), 'solid')
    assert.match(String(await styleOf('[class*=timeline] li', 'borderTopWidth', '::before')), /^5/)
    await page.keyboard.press('Tab')
    assert.equal(await styleOf(':focus', 'outlineStyle'), 'solid')
  })

  test('no page scrolls sideways with the text spacing that people may set', {
    skip: !FULL_LENGTH,
  }, async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world, { size: { width: 1280, height: 800 } })
    for (const path of await listPaths(world)) {
      await open(path)
      await settle(page)
      // WCAG 2.2, 1.4.12.
      await page.evaluate(`for (const element of document.querySelectorAll('body *'))
        Object.assign(element.style, { letterSpacing: '0.12em', wordSpacing: '0.16em', lineHeight: '1.5' })`)
      const width = await page.evaluate('document.documentElement.scrollWidth')
      assert.ok(Number(width) <= 1280, `${path}: ${width}`)
    }
  })

  test('no page scrolls sideways at 320 pixels', async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world, { size: { width: 320, height: 800 } })
    for (const path of await listPaths(world)) {
      await open(path)
      await settle(page)
      const width = await page.evaluate('document.documentElement.scrollWidth')
      assert.ok(Number(width) <= 320, `${path}: ${width}`)
    }
  })
}
