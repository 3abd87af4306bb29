import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ACCESS, type Grant } from '../../src/directory/access.ts'
import type { Operation } from '../../src/model/audit.ts'
import { type Caller, type Context, PERMISSIONS } from '../../src/model/context.ts'
import { DirectoryError } from '../../src/model/error.ts'
import { newId } from '../../src/model/ids.ts'
import {
  clientIdOf,
  getOrganization,
  newTestDirectory,
  readAudit,
  type TestDirectory,
} from '../support/directories.ts'
import { callOperation } from '../support/operations.ts'
import type { OpenStore } from '../support/stores.ts'

const OPERATIONS = Object.keys(ACCESS) as Operation[]

/** Every kind of caller with every permission, for an organization of every kind. */
async function listContexts(on: TestDirectory): Promise<Context[]> {
  const callers: Caller[] = [on.osis.caller, { kind: 'person', id: newId() }, { kind: 'operator' }]
  const ids = [on.setup.provider.id, on.resellerId, on.customerId]
  const organizations = await Promise.all(ids.map((id) => getOrganization(on.dir, id)))
  return callers.flatMap((caller) =>
    PERMISSIONS.flatMap((permission) =>
      organizations.map((organization) => {
        return { caller, permission, organization, portal: null, correlationId: newId(), address: null }
      }),
    ),
  )
}

function isGranted(grants: readonly Grant[], { caller, permission, organization }: Context): boolean {
  for (const grant of grants) {
    const isMeant = grant.caller === caller.kind && grant.organizations.includes(organization.kind)
    if (isMeant && grant.permissions.includes(permission)) return true
  }
  return false
}

/** The code of the directory's refusal; undefined for an operation that ran. */
async function runAs(on: TestDirectory, ctx: Context, operation: Operation): Promise<string | undefined> {
  try {
    await callOperation(on, ctx, operation)
    return undefined
  } catch (error) {
    if (error instanceof DirectoryError) return error.code
    throw error
  }
}

/** Each operation, run by each kind of caller, against the access table. */
export function accessSuite(open: OpenStore): void {
  describe('access', () => {
    for (const operation of OPERATIONS) {
      test(`${operation} runs for the callers of its rule, and is refused to all others`, async () => {
        const on = await newTestDirectory(open)
        for (const ctx of await listContexts(on)) {
          const { caller, permission, organization } = ctx
          const code = await runAs(on, ctx, operation)
          const who = `${caller.kind}, ${permission}, ${organization.kind}`
          const isAllowed = isGranted(ACCESS[operation].grants, ctx)
          assert.equal(code === 'not_permitted', !isAllowed, `${who}: ${code ?? 'ran'}`)
        }
      })
    }

    test('a refused operation leaves one audit entry and nothing else', async () => {
      const on = await newTestDirectory(open)
      const viewer: Context = { ...on.provider, permission: 'viewer' }
      for (const operation of OPERATIONS) {
        if (isGranted(ACCESS[operation].grants, viewer) || CHECKED_BY_DIALECTS.has(operation)) continue
        const before = (await readAudit(on.dir)).length
        assert.equal(await runAs(on, viewer, operation), 'not_permitted')
        const [entry, ...others] = await readAudit(on.dir)
        assert.equal(others.length, before, operation)
        assert.deepEqual([entry?.status, entry?.outcome], ['Failed', 'not_permitted'])
        assert.deepEqual(entry?.caller, { kind: 'client', id: clientIdOf(viewer) })
      }
    })
  })
}

/**
 * The dialects serve these themselves, and record a refusal of them themselves; the set-up has no caller to refuse.
 */
const CHECKED_BY_DIALECTS: ReadonlySet<Operation> = new Set<Operation>([
  'GetAnonymousUser',
  'GetConsole',
  'GetS3Capabilities',
  'GetInfo',
  'CreateOrganization',
])
