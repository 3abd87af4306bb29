import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { programEnvironment } from '../../testing/environment.ts'
import { FULL_LENGTH, rounds } from '../../testing/full-length.ts'
import { openContext, type Visitor, visit, type World } from './world.ts'

const LOADER = join(import.meta.dirname, '../../bench/load-people.ts')
const USERS = String(rounds(300, 20_000))
const CUSTOMERS = String(rounds(30, 10_000))
/** Machines that run tests are busy: these only tell that something is far off. The bars are in docs/performance.md. */
const FAR_OFF_MS = { firstRows: 10_000, change: 1_500, letter: 2_000, find: 1_500 }
/** The bar: what the page holds after many rows were scrolled. It does not depend on how busy the machine is. */
const MAX_HEAP_BYTES = 30 * 1024 * 1024

/** A link of a row of a list. */
const ROW = 'main tbody [data-index] a'

/** Lists and searches of a directory with many people, and how long pages take. */
export function large(getWorld: () => World): void {
  test('many people come into the directory', async () => {
    const { target, rgw } = getWorld()
    const env = await programEnvironment(target.dataDir, rgw.settings)
    await promisify(execFile)(process.execPath, [LOADER, '--users', USERS, '--customers', CUSTOMERS], { env })
  })

  test('a list loads on while it is scrolled, and back leads to the same filters, rows and place', async (t) => {
    const { page, open } = await visit(t, getWorld())
    await open('/console/users?q=example')
    await page.locator(ROW).first().waitFor()
    const region = page.getByRole('region', { name: 'Users' })
    await region.hover()
    for (let turn = 0; turn < 200 && !(await page.locator('[data-index="120"]').isVisible()); turn++)
      await page.mouse.wheel(0, 500)
    const link = page.locator('[data-index="120"] a').first()
    await link.scrollIntoViewIfNeeded()
    const name = await link.innerText()
    await link.click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.goBack()
    await page.waitForURL(/q=example/)
    await page.locator('[data-index="120"]').waitFor()
    assert.equal(await page.locator('[data-index="120"] a').first().innerText(), name)
    await page.locator('[data-index="120"] a').first().click({ trial: true })
    assert.equal(await page.getByRole('searchbox').inputValue(), 'example')
    const drawn = await page.locator('main tbody [data-index]').count()
    assert.ok(drawn < 60, `${drawn} rows are in the page`)
  })

  test('a customer among many is found by its name', async (t) => {
    const { page, open, find } = await visit(t, getWorld())
    const name = `customer ${Number(CUSTOMERS) - 1}`
    await open('/console/users')
    await find(name)
    await page.getByRole('heading', { level: 1, name }).waitFor()
  })

  test('pages and rows are there within their times', async (t) => {
    const world = getWorld()
    const median = (times: readonly number[]) =>
      [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? assert.fail('there are no times')
    const check = (what: string, times: readonly number[], farOff: number) => {
      const ms = Math.round(median(times))
      t.diagnostic(`${what}: median ${ms} ms of ${times.length}, best ${Math.round(Math.min(...times))} ms`)
      assert.ok(ms <= farOff, `${what}: ${ms} ms`)
    }
    const first: number[] = []
    for (let round = 0; round < rounds(3, 10); round++) first.push(await timeFirstRows(world))
    check('rows on an empty cache', first, FAR_OFF_MS.firstRows)
    const visitor = await visit(t, world)
    check('a change to another page', await timeChanges(visitor, rounds(8, 30)), FAR_OFF_MS.change)
    check('from a letter to rows', await timeLetters(visitor, world, rounds(5, 20)), FAR_OFF_MS.letter)
    check('opening Find', await timeFind(visitor, rounds(5, 20)), FAR_OFF_MS.find)
  })

  test('a list that was scrolled far takes little memory', { skip: !FULL_LENGTH }, async (t) => {
    const { page, context, open } = await visit(t, getWorld())
    await open('/console/users?q=example')
    await page.locator(ROW).first().waitFor()
    await page.getByRole('region', { name: 'Users' }).hover()
    const lastRow = `Number([...document.querySelectorAll('main tbody [data-index]')].at(-1).dataset.index)`
    while (Number(await page.evaluate(lastRow)) < 2_500) await page.mouse.wheel(0, 4_000)
    const devtools = await context.newCDPSession(page)
    await devtools.send('HeapProfiler.collectGarbage')
    const { usedSize } = await devtools.send('Runtime.getHeapUsage')
    t.diagnostic(`${Math.round(usedSize / 1024 / 1024)} MB after 2,500 rows`)
    assert.ok(usedSize <= MAX_HEAP_BYTES, `${usedSize} bytes`)
  })
}

/** From the start of the navigation to the first row. */
async function timeFirstRows(world: World): Promise<number> {
  const context = await openContext(world)
  try {
    const page = await context.newPage()
    await page.goto('/console/users', { waitUntil: 'commit' })
    return await timeOf(page, ROW)
  } finally {
    await context.close()
  }
}

/** Goes to users whose pages are not in the cache, after the pointer came near, as a hand does. */
async function timeChanges({ page, open }: Visitor, count: number): Promise<number[]> {
  await open('/console/users?q=example')
  const times: number[] = []
  for (let at = 0; at < count; at++) {
    const link = page.locator(`[data-index="${at}"] a`).first()
    await link.hover()
    // A hand takes about as long from reaching a link to the click.
    await page.waitForTimeout(100)
    const start = await link.evaluate((element) => {
      const now = performance.now()
      ;(element as unknown as { click(): void }).click()
      return now
    })
    times.push((await timeOf(page, '[data-step]')) - start)
    await page.goBack()
    await link.waitFor()
  }
  return times
}

/** Searches for one person after the other. Counts from the last letter, so the pause of 150 ms is in it. */
async function timeLetters({ page, open }: Visitor, { grace }: World, count: number): Promise<number[]> {
  type Row = { id: string; email: string }
  const { items } = await grace.call<{ items: Row[] }>('GET', `/users?q=example&limit=${count}`)
  await open('/console/users')
  await page.locator(ROW).first().waitFor()
  await watch(page, 'input')
  const times: number[] = []
  // The first of them is the first row of the whole list, too.
  for (const { id, email } of items.toReversed()) {
    await page.getByRole('searchbox').fill(email)
    times.push(
      (await timeOf(page, `main tbody [data-index="0"] a[href*="${id}"]`)) - (await timeOfEvent(page)),
    )
  }
  return times
}

/** Opens Find by its keys, after a first time that loads it. */
async function timeFind({ page, open }: Visitor, count: number): Promise<number[]> {
  await open('/console/users')
  await watch(page, 'keydown')
  const times: number[] = []
  for (let at = 0; at <= count; at++) {
    await page.keyboard.press('Control+k')
    times.push((await timeOf(page, 'dialog [role=combobox]')) - (await timeOfEvent(page)))
    await page.keyboard.press('Escape')
    await page.locator('dialog [role=combobox]').waitFor({ state: 'detached' })
  }
  return times.slice(1)
}

/** What the functions below keep in the page. */
type Watched = { addEventListener(type: string, listen: () => void, captures: true): void; seenAt: number }

/** Notes in the page when the last event of a type came. */
async function watch(page: Page, type: string): Promise<void> {
  await page.evaluate((name) => {
    const browser = globalThis as unknown as Watched
    const note = () => {
      browser.seenAt = performance.now()
    }
    browser.addEventListener(name, note, true)
  }, type)
}

function timeOfEvent(page: Page): Promise<number> {
  return page.evaluate(() => (globalThis as unknown as Watched).seenAt)
}

/** Waits for an element; returns when it was there, in ms since the navigation. */
async function timeOf(page: Page, selector: string): Promise<number> {
  type Browser = { document: { querySelector(selector: string): unknown }; performance: { now(): number } }
  const there = await page.waitForFunction((wanted) => {
    const { document, performance } = globalThis as unknown as Browser
    return document.querySelector(wanted) && performance.now()
  }, selector)
  return Number(await there.jsonValue())
}
