import assert from 'node:assert/strict'
import { test } from 'node:test'
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
