import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { programEnvironment } from '../../testing/environment.ts'
import { rounds } from '../../testing/full-length.ts'
import { openContext, type Visitor, visit, type World } from './world.ts'

const LOADER = join(import.meta.dirname, '../../bench/load-people.ts')
const USERS = String(rounds(300, 20_000))
const CUSTOMERS = String(rounds(30, 10_000))
/** Machines that run tests are busy: these only tell that something is far off. The bars are in docs/performance.md. */
const FAR_OFF_MS = { firstRows: 10_000, change: 1_500 }

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

/** Waits for an element; returns when it was there, in ms since the navigation. */
async function timeOf(page: Page, selector: string): Promise<number> {
  type Browser = { document: { querySelector(selector: string): unknown }; performance: { now(): number } }
  const there = await page.waitForFunction((wanted) => {
    const { document, performance } = globalThis as unknown as Browser
    return document.querySelector(wanted) && performance.now()
  }, selector)
  return Number(await there.jsonValue())
}
