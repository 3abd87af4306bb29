import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '../../testing/wait.ts'
import { visit, type World } from './world.ts'

/** The tasks of first-line support, with their clicks: section 4 of the console's design. */
export function support(getWorld: () => World): void {
  test('finding a person takes one act, by mouse and by keyboard', async (t) => {
    const world = getWorld()
    await world.addAccount('margaret@quartz.example')
    const mouse = await visit(t, world)
    await mouse.open('/console/organizations')
    await mouse.find('margaret@quartz.example', 'mouse')
    await mouse.page.waitForURL(/\/console\/users\/[\w-]{36}/)
    assert.equal(mouse.acts(), 1)
    const keys = await visit(t, world)
    await keys.open('/console/audit')
    await keys.find('margaret@quartz.example')
    await keys.page.waitForURL(/\/console\/users\/[\w-]{36}/)
    assert.equal(keys.acts(), 1)
  })

  test('why an account is not on the platform is on the page, and trying again is the second act', async (t) => {
    const world = getWorld()
    world.rgw.down = true
    t.after(() => {
      world.rgw.down = false
    })
    const id = await world.addAccount('stopped@quartz.example')
    const path = `/users/${id}/account`
    type Accounts = { accounts: { cause: object | null }[] }
    await waitUntil(async () => {
      const { accounts } = await world.grace.call<Accounts>('GET', path)
      return Boolean(accounts[0]?.cause)
    }, 20_000)
    const { page, open, find, click, acts, assertAccessible } = await visit(t, world)
    await open('/console/users')
    await find('stopped@quartz.example')
    await page.getByRole('alert').first().waitFor()
    assert.equal(acts(), 1)
    assert.match(await page.getByRole('main').innerText(), /unreachable/i)
    await assertAccessible('a user whose account fails')
    world.rgw.down = false
    await click(page.getByRole('button', { name: 'Try again now' }).first())
    assert.equal(acts(), 2)
    await waitUntil(async () => {
      const { accounts } = await world.grace.call<Accounts>('GET', path)
      return accounts[0]?.cause === null
    }, 20_000)
  })

  test('a correlation id is followed in one act', async (t) => {
    const world = getWorld()
    const answer = await world.grace.send('POST', `/organizations/${world.quartz.id}/users`, {
      email: 'followed@quartz.example',
      firstName: 'Followed',
    })
    const correlationId = String(answer.headers['x-correlation-id'])
    const { page, open, find, acts } = await visit(t, world)
    await open('/console/users')
    await find(correlationId)
    await page.waitForURL(new RegExp(`/console/audit/${correlationId}`))
    assert.equal(acts(), 1)
    await page
      .getByText(/create user/i)
      .first()
      .waitFor()
  })

  test('a new user with a group takes three acts', async (t) => {
    const world = getWorld()
    const { page, open, find, click, acts } = await visit(t, world)
    await open('/console/users')
    await find(world.quartz.id)
    await page.waitForURL(/\/console\/organizations\//)
    await click(page.getByRole('link', { name: 'New user' }).first())
    await page.getByLabel('First name').fill('Katherine')
    await page.getByLabel('Last name').fill('Johnson')
    await page.getByLabel('E-mail').fill('katherine@quartz.example')
    await click(page.getByLabel(/^Viewer/))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Katherine Johnson', level: 1 }).waitFor()
    assert.equal(acts(), 3)
  })

  test('filters live in the address, typing replaces it, and back shows what was there', async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world)
    await open('/console/users')
    const length = await page.evaluate('history.length')
    await page.getByRole('searchbox').fill('grace')
    await page.waitForURL(/q=grace/)
    assert.equal(await page.evaluate('history.length'), length)
    await page
      .getByRole('link', { name: /Grace Hopper/ })
      .first()
      .click()
    await page.getByRole('heading', { name: 'Grace Hopper', level: 1 }).waitFor()
    await page.goBack()
    await page.waitForURL(/q=grace/)
    assert.equal(await page.getByRole('searchbox').inputValue(), 'grace')
    await page
      .getByRole('link', { name: /Grace Hopper/ })
      .first()
      .waitFor()
    await open('/console/users?state=nonsense&deleted=perhaps&x=1')
    await page
      .getByRole('link', { name: /Grace Hopper/ })
      .first()
      .waitFor()
  })

  test('markup and control characters in a name are text', async (t) => {
    const world = getWorld()
    const firstName = '<img src=x onerror=alert(1)>'
    const { id } = await world.grace.call<{ id: string }>('POST', `/organizations/${world.quartz.id}/users`, {
      ...{ email: 'markup@quartz.example', firstName, lastName: '\u202e"><script>alert(2)</script>' },
    })
    const { page, open } = await visit(t, world)
    page.on('dialog', () => assert.fail('a script ran'))
    for (const path of [`/console/users/${id}`, '/console/users?q=markup', '/console/find?q=markup@quartz']) {
      await open(path)
      await page.getByText(firstName).first().waitFor()
      assert.equal(await page.locator('img').count(), 0)
    }
  })

  test('a viewer sees why acts are closed to them', async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world, { as: world.viewer })
    await open('/console/users')
    const create = page.getByRole('button', { name: 'New user' })
    assert.equal(await create.getAttribute('aria-disabled'), 'true')
    assert.match((await create.getAttribute('aria-description')) ?? '', /dministrator/)
  })

  test('a page keeps its rows while the server is away, and says when it is back', async (t) => {
    const world = getWorld()
    const { page, context, open } = await visit(t, world)
    await open('/console/users')
    const row = page.getByRole('link', { name: /Grace Hopper/ }).first()
    await row.waitFor()
    await context.route('**/console/api/**', (route) => route.abort('connectionrefused'))
    await page.getByRole('searchbox').fill('quartz')
    await page
      .getByText(/cannot be reached/)
      .first()
      .waitFor()
    await context.unroute('**/console/api/**')
    await page
      .getByText(/cannot be reached/)
      .first()
      .waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('searchbox').inputValue(), 'quartz')
  })
}
