import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visit, type World } from './world.ts'

/** The pages of users: forms with the server's errors, keys, and what can be taken back. */
export function users(getWorld: () => World): void {
  test('a form says what the server refuses at its fields, and asks before it is left', async (t) => {
    const world = getWorld()
    const { page, open, assertAccessible } = await visit(t, world)
    await open(`/console/users/new?org=${world.quartz.id}`)
    await page.getByLabel('First name').fill('x'.repeat(300))
    await page.getByLabel('E-mail').fill('clara@')
    await page.getByRole('button', { name: 'Create user' }).click()
    await page.getByText('must have at most 255 characters').waitFor()
    await page.getByText('must be an e-mail address').waitFor()
    await assertAccessible('a refused form')
    await page.getByRole('alert').getByRole('link', { name: 'E-mail' }).click()
    assert.equal(await page.evaluate('document.activeElement.name'), 'email')
    await page.getByRole('navigation').getByRole('link', { name: 'Users' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stay here' }).click()
    assert.equal(await page.getByLabel('E-mail').inputValue(), 'clara@')
  })

  test('a change on top of another one shows it first', async (t) => {
    const world = getWorld()
    const created = await world.grace.call<{ id: string }>(
      'POST',
      `/organizations/${world.quartz.id}/users`,
      {
        ...{ firstName: 'Annie', lastName: 'Easley', email: 'annie@quartz.example' },
      },
    )
    const { page, context, open, assertAccessible } = await visit(t, world)
    const path = `/console/users/${created.id}/edit`
    await open(path)
    await page.getByLabel('Last name').fill('Mine')
    const other = await context.newPage()
    await other.goto(path)
    await other.getByLabel('First name').fill('Theirs')
    await other.getByRole('button', { name: 'Save user' }).click()
    await other.getByText('The user is saved.').waitFor()
    await page.getByRole('button', { name: 'Save user' }).click()
    await page.getByRole('cell', { name: 'Theirs' }).waitFor()
    await assertAccessible('a change meanwhile')
    await page.getByRole('button', { name: 'Save mine on top' }).click()
    await page.getByRole('heading', { name: 'Theirs Mine', level: 1 }).waitFor()
  })

  test('a secret is shown once; a key is disabled at once, and that is taken back', async (t) => {
    const world = getWorld()
    const id = await world.addAccount('keys@quartz.example')
    const { page, open, assertAccessible } = await visit(t, world)
    await open(`/console/users/${id}`)
    await page.getByRole('button', { name: 'New key' }).first().click()
    await page.getByRole('button', { name: 'Make key' }).click()
    const secret = await page.locator('[data-secret]').innerText()
    await page.keyboard.press('Escape')
    await assertAccessible('the secret of a new key')
    await page.getByLabel('I have put it where it belongs').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.locator('[data-secret]').waitFor({ state: 'detached' })
    assert.ok(!(await page.content()).includes(secret))
    const kept = await page.evaluate(
      'JSON.stringify([location.href, history.state, { ...localStorage }, { ...sessionStorage }])',
    )
    assert.ok(secret.length > 20 && !`${kept}${world.target.log()}`.includes(secret))
    await page
      .getByRole('button', { name: /^Disable the key/ })
      .first()
      .click()
    await page.getByRole('button', { name: /^Enable the key/ }).waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('button', { name: /^Enable the key/ }).waitFor({ state: 'detached' })
  })

  test('a customer is renamed; a name that another person gave meanwhile is shown first', async (t) => {
    const world = getWorld()
    const words = ['--kind', 'customer', '--name', 'Old Name', '--reseller', world.target.init.reseller.id]
    const { id } = await world.target.cli<{ id: string }>('organization', 'add', ...words)
    const { page, open, assertAccessible } = await visit(t, world)
    await open(`/console/organizations/${id}`)
    await page.getByRole('button', { name: 'Rename…' }).click()
    await world.grace.call('PATCH', `/organizations/${id}`, { name: 'Their Name' }, { 'if-match': '*' })
    await page.getByRole('textbox', { name: 'Name' }).fill('My Name')
    await page.keyboard.press('Enter')
    await page.getByText('The customer is called Their Name meanwhile.').waitFor()
    await assertAccessible('a name that was changed meanwhile')
    await page.getByRole('button', { name: 'Rename all the same' }).click()
    await page.getByRole('heading', { name: 'My Name', level: 1 }).waitFor()
  })

  test('a deleted user has a receipt of one page, and comes back', async (t) => {
    const world = getWorld()
    const id = await world.addAccount('leaving@quartz.example')
    const { page, open } = await visit(t, world)
    await open(`/console/users/${id}`)
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('button', { name: 'Delete user' }).click()
    await page.getByRole('link', { name: 'Receipt' }).click()
    await page.getByRole('heading', { name: 'Receipt of a removal' }).waitFor()
    await page.getByText('Hash of the entry').waitFor()
    const printed = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
    assert.equal(printed.match(/\/Type\s*\/Page\b/g)?.length, 1)
    await page.getByRole('link', { name: 'To the user' }).click()
    await page.getByRole('button', { name: 'Restore', exact: true }).click()
    await page.getByText('The user is restored.').waitFor()
  })
}
