import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, send } from '../../testing/http.ts'
import { enterByLink, type Problem, sendToConsole, tokenOf } from '../contract/console-client.ts'
import { queryStore } from '../support/stored.ts'
import { visit, type World } from './world.ts'

/** Entering the console, and leaving it. */
export function entering(getWorld: () => World): void {
  test('a person enters by a link once, signs out, and is out', async (t) => {
    const world = getWorld()
    const link = await world.makeLink('grace@example.com')
    const { page, context, open, click, acts, assertAccessible } = await visit(t, world, { as: null })
    await open(link)
    assert.equal(await page.evaluate('location.hash'), '')
    await assertAccessible('enter')
    await click(page.getByRole('button', { name: 'Enter' }))
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor()
    assert.equal(acts(), 1)
    const [cookie] = await context.cookies()
    assert.partialDeepStrictEqual(cookie, { httpOnly: true, sameSite: 'Strict' })
    assert.match(cookie?.name ?? '', /^usher-[0-9a-f]{8}$/)
    await page.goBack().catch(() => undefined)
    assert.doesNotMatch(page.url(), /#/)
    await open('/console/users')
    await click(page.getByRole('button', { name: /Grace Hopper/ }))
    await click(page.getByRole('button', { name: 'Sign out' }))
    await page.waitForURL(/\/console\/sign-in/)
    assert.deepEqual(await context.cookies(), [])
    await open('/console/users?q=ada')
    await page.waitForURL(/\/console\/sign-in\?to=/)
    await page.getByText('usher console link').waitFor()
    await assertAccessible('sign in')
  })

  test('a link that was used says so', async (t) => {
    const world = getWorld()
    const link = await world.makeLink('vera@example.com')
    const first = await visit(t, world, { as: null })
    await first.open(link)
    await first.click(first.page.getByRole('button', { name: 'Enter' }))
    await first.page.getByRole('heading', { name: 'Users', level: 1 }).waitFor()
    const second = await visit(t, world, { as: null })
    await second.open(link)
    await second.click(second.page.getByRole('button', { name: 'Enter' }))
    await second.page.getByRole('alert').waitFor()
    assert.deepEqual(await second.context.cookies(), [])
    await second.assertAccessible('a link that was used')
  })

  test('a link that is used too late lets no one in, and looks like one that was used', async () => {
    const { target, makeLink } = getWorld()
    const enter = async (link: string) => {
      const body = { token: tokenOf(link) }
      const response = await sendToConsole(target.url, 'POST', '/enter', { body })
      const { correlationId: _, ...problem } = jsonOf<Problem>(response)
      return { status: response.status, cookies: response.headers['set-cookie'], problem }
    }
    const used = await makeLink('vera@example.com')
    await enterByLink(target.url, used)
    const late = await makeLink('vera@example.com')
    const ended = new Date(Date.now() - 1).toISOString()
    await queryStore(target.dataDir, `UPDATE sign_in_links SET expires_at = '${ended}' WHERE used_at IS NULL`)
    const refused = await enter(late)
    assert.deepEqual([refused.status, refused.cookies], [403, undefined])
    assert.equal(refused.problem.code, 'link_not_valid')
    assert.deepEqual(refused, await enter(used))
  })

  test('a session that ends in the middle of a form keeps the form, and sends it after signing in again', async (t) => {
    const world = getWorld()
    const { page, context, open, click } = await visit(t, world, { as: null })
    await open(await world.makeLink('grace@example.com'))
    await click(page.getByRole('button', { name: 'Enter' }))
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor()
    await open(`/console/users/new?org=${world.quartz.id}`)
    await page.getByLabel('First name').fill('Late')
    await page.getByLabel('E-mail').fill('late@example.com')
    await context.clearCookies()
    await click(page.getByRole('button', { name: /^Create/ }))
    const dialog = page.getByRole('alertdialog')
    await dialog.waitFor()
    assert.equal(await page.getByLabel('First name').inputValue(), 'Late')
    const other = await context.newPage()
    await other.goto(await world.makeLink('grace@example.com'))
    await other.getByRole('button', { name: 'Enter' }).click()
    await page.getByRole('heading', { name: /Late/, level: 1 }).waitFor()
    assert.match(page.url(), /\/console\/users\/[\w-]{36}/)
  })

  test('a person whose session is ended elsewhere is out of the page', async (t) => {
    const world = getWorld()
    const { target } = world
    const words = ['--organization', target.init.provider.id, '--group', 'Viewer', '--first-name', 'Nina']
    await target.cli('user', 'add', ...words, '--last-name', 'Simone', '--email', 'nina@example.com')
    const { page, open } = await visit(t, world, { as: null })
    await open(await world.makeLink('nina@example.com'))
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor()
    await target.cli('console', 'end', '--user', 'nina@example.com')
    await page.waitForTimeout(2_100)
    await page.getByRole('link', { name: 'Organizations' }).click()
    await page.getByRole('alertdialog').waitFor()
  })

  test('a foreign host gets a page that says where the console is', async () => {
    const { url } = getWorld().target
    const headers = { host: 'evil.example' }
    const response = await send(url, { method: 'GET', path: '/console/users', headers })
    assert.equal(response.status, 421)
    assert.match(response.text, /USHER_PUBLIC_URL/)
    assert.doesNotMatch(response.text, /<script/)
  })
}
