import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Route } from 'playwright-core'
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
    for (const by of ['mouse', 'keys'] as const) {
      const { page, open, find, use, acts, assertAccessible } = await visit(t, world)
      await open('/console/users')
      await find('stopped@quartz.example', by)
      // The cause of the account, or what the platform reports of itself: whichever is found out first.
      await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor()
      assert.equal(acts(), 1)
      if (by === 'mouse') {
        await page.getByRole('button', { name: 'Compare with the platform' }).click()
        await page.getByText('It could not be compared').waitFor()
        await assertAccessible('a user whose account fails')
      } else world.rgw.down = false
      await use(page.getByRole('button', { name: 'Try again now' }).first(), by)
      assert.equal(acts(), 2)
      await page.getByText('Usher tries again now.').waitFor()
    }
    await waitUntil(async () => {
      const { accounts } = await world.grace.call<Accounts>('GET', path)
      return accounts[0]?.cause === null
    }, 20_000)
  })

  test('the audit log is exported as it is filtered, and its chain is verified', async (t) => {
    const world = getWorld()
    const { page, open, click, acts, assertAccessible } = await visit(t, world)
    await open('/console/audit?operation=CreateTenant&outcome=created')
    await page.getByRole('button', { name: 'Without the filter Outcome: created' }).click()
    await page.waitForURL((url) => !url.search.includes('outcome'))
    const exported = page.waitForEvent('download')
    await click(page.getByRole('link', { name: 'Export as NDJSON' }))
    const file = await exported
    assert.equal(file.suggestedFilename(), 'usher-audit.ndjson')
    const lines = (await readFile(await file.path(), 'utf8')).split('\n').slice(0, -1)
    assert.ok(lines.length > 0)
    assert.ok(lines.every((line) => JSON.parse(line).operation === 'CreateTenant'))
    await click(page.getByRole('button', { name: 'Verify the chain' }))
    await page.getByText('No entry was changed, removed or moved.').waitFor()
    assert.equal(acts(), 2)
    await assertAccessible('the audit log with a verified chain')
  })

  test('a request shows what it changed in the words of the forms, empty values too', async (t) => {
    const world = getWorld()
    const { grace, quartz } = world
    const { id } = await grace.call<{ id: string }>('POST', `/organizations/${quartz.id}/users`, {
      email: 'worded@quartz.example',
    })
    const { etag } = await grace.call<{ etag: string }>('GET', `/users/${id}`)
    const changed = await grace.send('PATCH', `/users/${id}`, { firstName: 'Worded' }, { 'if-match': etag })
    assert.equal(changed.status, 200, changed.text)
    const { page, open } = await visit(t, world)
    await open(`/console/audit/${changed.headers['x-correlation-id']}`)
    await page.getByText('first name: – → Worded').waitFor()
    await page
      .getByText(/, \d\d:\d\d:\d\d \S+$/)
      .first()
      .waitFor()
  })

  test('a correlation id is followed in one act', async (t) => {
    const world = getWorld()
    const response = await world.grace.send('POST', `/organizations/${world.quartz.id}/users`, {
      email: 'followed@quartz.example',
      firstName: 'Followed',
    })
    const correlationId = String(response.headers['x-correlation-id'])
    for (const by of ['mouse', 'keys'] as const) {
      const { page, open, find, acts } = await visit(t, world)
      await open('/console/users')
      await find(correlationId, by)
      await page.waitForURL(new RegExp(`/console/audit/${correlationId}`))
      assert.equal(acts(), 1)
      await page
        .getByText(/create user/i)
        .first()
        .waitFor()
    }
  })

  for (const [by, firstName] of [
    ['mouse', 'Katherine'],
    ['keys', 'Dorothy'],
  ] as const)
    test(`a new user with a group takes three acts, by ${by}`, async (t) => {
      const world = getWorld()
      const { page, open, find, use, acts } = await visit(t, world)
      await open('/console/users')
      await find(world.quartz.id, by)
      await page.waitForURL(/\/console\/organizations\//)
      await use(page.getByRole('link', { name: 'New user' }).first(), by)
      await page.getByLabel('First name').fill(firstName)
      await page.getByLabel('Last name').fill('Johnson')
      await page.getByLabel('E-mail').fill(`${firstName}@quartz.example`)
      await use(page.getByLabel(/^Viewer/), by, 'Space')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: `${firstName} Johnson`, level: 1 }).waitFor()
      assert.equal(acts(), 3)
      await page.getByRole('main').getByText('Viewer').first().waitFor()
    })

  for (const by of ['mouse', 'keys'] as const)
    test(`a leaked key is disabled in two acts, by ${by}`, async (t) => {
      const world = getWorld()
      const id = await world.addAccount(`leaked-${by}@quartz.example`)
      type Keys = { keys: { accessKey: string; active: boolean }[] }
      const readKeys = async () => (await world.grace.call<Keys>('GET', `/users/${id}/account`)).keys
      const accessKey = (await readKeys())[0]?.accessKey ?? assert.fail('there is no key')
      const { page, open, find, use, acts } = await visit(t, world)
      await open('/console/audit')
      await find(accessKey, by)
      await use(page.getByRole('button', { name: `Disable the key ${accessKey}` }), by)
      await page
        .getByRole('button', { name: `Enable the key ${accessKey}` })
        .first()
        .waitFor()
      assert.equal(acts(), 2)
      assert.equal((await readKeys())[0]?.active, false)
    })

  test('filters live in the address, typing replaces it, and back shows what was there', async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world)
    await open('/console/users')
    const length = await page.evaluate('history.length')
    await page.getByRole('searchbox').fill('grace@example.com')
    await page.waitForURL(/q=grace/)
    assert.equal(await page.evaluate('history.length'), length)
    await page
      .getByRole('link', { name: /Grace Hopper/ })
      .first()
      .click()
    await page.getByRole('heading', { name: 'Grace Hopper', level: 1 }).waitFor()
    await page.goBack()
    await page.waitForURL(/q=grace/)
    assert.equal(await page.getByRole('searchbox').inputValue(), 'grace@example.com')
    await page
      .getByRole('link', { name: /Grace Hopper/ })
      .first()
      .waitFor()
    await open('/console/users?q=grace@example.com&state=nonsense&deleted=perhaps&x=1')
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

  test('markup in the names of a customer and its users is text on every page', async (t) => {
    const world = getWorld()
    const name = '<img src=x onerror=alert(3)>\u202e'
    const customer = ['--kind', 'customer', '--name', name, '--reseller', world.target.init.reseller.id]
    const { id } = await world.target.cli<{ id: string }>('organization', 'add', ...customer)
    const { id: user } = await world.grace.call<{ id: string }>('POST', `/organizations/${id}/users`, {
      ...{
        email: 'marked@customer.example',
        firstName: '{{7*7}}',
        lastName: '</title><svg onload=alert(4)>',
      },
    })
    const { page, open } = await visit(t, world)
    page.on('dialog', () => assert.fail('a script ran'))
    const paths = [
      ...[`/organizations/${id}`, '/organizations?q=onerror', `/users/${user}`, `/users/new?org=${id}`],
      ...[`/audit?organization=${id}`, `/users?org=${id}`],
    ]
    for (const path of paths) {
      await open(`/console${path}`)
      await page.locator('[aria-busy=true]').waitFor({ state: 'detached' })
      await page.getByText('onerror=alert(3)').first().waitFor()
      assert.equal(await page.locator('img, svg[onload]').count(), 0, path)
    }
  })

  test('a viewer sees why acts are closed to them', async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world, { as: world.viewer })
    const id = await world.addAccount('closed@quartz.example')
    const closed = [
      ['/console/users', /^New user/],
      ...[/^Edit/, /^New key/, /^Disable the key/].map((name) => [`/console/users/${id}`, name] as const),
    ] as const
    for (const [path, name] of closed) {
      if (!page.url().endsWith(path)) await open(path)
      const button = page.getByRole('button', { name }).first()
      await button.waitFor()
      assert.equal(await button.getAttribute('aria-disabled'), 'true', String(name))
      assert.match((await button.getAttribute('aria-description')) ?? '', /dministrator|role/, String(name))
    }
  })

  test('a store that is away shows as such, and the page goes on by itself', async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world)
    await open('/console/users?q=grace@example.com')
    const row = page.getByRole('link', { name: /Grace Hopper/ }).first()
    await row.waitFor()
    const problem = {
      statusCode: 503,
      code: 'store_unavailable',
      description: 'The store is away.',
      errors: [],
    }
    const body = { ...problem, correlationId: world.quartz.id }
    const refuse = (route: Route) =>
      route.fulfill({ status: 503, headers: { 'retry-after': '1' }, json: body })
    await page.route('**/console/api/users?*', refuse)
    await page.getByRole('searchbox').fill('vera@example.com')
    const alert = page.getByRole('alert')
    await alert.getByText('The store is away.').waitFor()
    await alert.getByText(/Tries again in/).waitFor()
    assert.equal(await row.count(), 1)
    assert.equal(await page.getByText(/Nobody|Nothing found|no users/i).count(), 0)
    await page.unroute('**/console/api/users?*', refuse)
    await page
      .getByRole('link', { name: /Vera Rubin/ })
      .first()
      .waitFor()
    await alert.waitFor({ state: 'detached' })
  })

  test('a page keeps its rows while the server is away, and shows new ones by itself when it is back', async (t) => {
    const world = getWorld()
    const { page, open } = await visit(t, world)
    await open('/console/users?q=grace@example.com')
    const row = page.getByRole('link', { name: /Grace Hopper/ }).first()
    await row.waitFor()
    const start = await world.stop()
    const nothing = page.getByText(/Nobody|Nothing found|no users/i)
    try {
      await page.getByRole('searchbox').fill('vera@example.com')
      await page
        .getByText(/What you see may be old/)
        .first()
        .waitFor()
      assert.equal(await nothing.count(), 0)
    } finally {
      await start()
    }
    await page
      .getByRole('link', { name: /Vera Rubin/ })
      .first()
      .waitFor()
    await page.getByText(/What you see may be old/).waitFor({ state: 'detached' })
    assert.equal(await nothing.count(), 0)
    assert.equal(await page.getByRole('searchbox').inputValue(), 'vera@example.com')
  })
}
