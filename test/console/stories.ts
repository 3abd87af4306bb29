import { after, before, test } from 'node:test'
import { startBrowser } from '../../testing/browser.ts'
import { engine } from '../../testing/environment.ts'
import { accessibility } from './accessibility.suite.ts'
import { entering } from './entering.suite.ts'
import { large } from './large.suite.ts'
import { support } from './support.suite.ts'
import { users } from './users.suite.ts'
import { type OwnedWorld, openWorld } from './world.ts'

/** Runs all stories of the console in one browser, against one server. Without a browser they are skipped. */
export async function runStories(): Promise<void> {
  const found = await startBrowser()
  if ('reason' in found) {
    test('the console in a browser', { skip: found.reason }, () => undefined)
    return
  }
  let world: OwnedWorld | undefined
  before(async () => {
    world = await openWorld(found.browser)
  })
  after(() => world?.end())
  const getWorld = (): OwnedWorld => {
    if (!world) throw new Error('the server did not start')
    return world
  }
  // What axe finds in a page does not depend on the engine.
  const looks = engine() === 'sqlite' ? [accessibility] : []
  for (const suite of [entering, users, ...looks, large, support]) suite(getWorld)
}
