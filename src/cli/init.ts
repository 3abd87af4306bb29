import { type Setup, setUp } from '../directory/setup.ts'
import { assertValid } from '../model/error.ts'
import { checkDomain, checkOrganizationName } from '../model/organizations.ts'
import { openDirectory } from '../open-directory.ts'
import type { Command, Input } from './command.ts'

/** What the first start calls things when nobody says otherwise. */
const DEFAULTS = { provider: 'My Cloud', portal: 'localhost' } as const

export const SETUP_OPTIONS = {
  provider: {
    type: 'string',
    value: 'NAME',
    help: `The provider's name; '${DEFAULTS.provider}' when left out`,
  },
  portal: {
    type: 'string',
    value: 'DOMAIN',
    help: `The provider's portal domain; ${DEFAULTS.portal} when left out`,
  },
  'no-example': { type: 'boolean', help: 'Make no example reseller, customer and tenant' },
} as const

export const init: Command = {
  name: 'init',
  summary: 'Set up an empty directory, and print what was made',
  options: SETUP_OPTIONS,
  async run(input) {
    const wanted = readSetup(input)
    const open = await openDirectory(input.config)
    try {
      const setup = await setUp(open.dir, wanted)
      return { json: toJson(setup), text: describeSetup(setup, null) }
    } finally {
      await open.close()
    }
  },
}

/** @throws {DirectoryError} `invalid`, before anything is opened */
export function readSetup(input: Input): { provider: string; portal: string; example: boolean } {
  const provider = input.text('provider') ?? DEFAULTS.provider
  const portal = input.text('portal') ?? DEFAULTS.portal
  assertValid([...checkOrganizationName(provider), ...checkDomain(portal)])
  return { provider, portal, example: !input.flag('no-example') }
}

/** The form that automation depends on; see "Names that others depend on" in docs/operating.md. */
export function toJson({ provider, portal, groups, example, administrator, osis }: Setup): object {
  return {
    provider,
    portal,
    groups,
    reseller: example && { id: example.resellerId },
    customer: example && { id: example.customerId },
    clients: {
      administrator: { client_id: administrator.id, client_secret: administrator.secret },
      osis: { client_id: osis.id, client_secret: osis.secret },
    },
  }
}

/**
 * What was made, for people: the secrets once, and, when a server listens at `url`, lines to paste.
 */
export function describeSetup(setup: Setup, url: string | null): string {
  const { provider, portal, groups, example, administrator, osis } = setup
  const lines = [
    `Set up ${provider.name} with the portal ${portal}. The secrets below are shown this once; keep them.`,
    '',
    ...(url ? [`USHER=${url}`] : []),
    `PORTAL=${portal}`,
    `CLIENT_ID=${administrator.id}`,
    `CLIENT_SECRET=${administrator.secret}`,
    `OSIS_ID=${osis.id}`,
    `OSIS_SECRET=${osis.secret}`,
    ...Object.entries(groups).map(([name, id]) => `GROUP_${name.toUpperCase().replaceAll(' ', '_')}=${id}`),
    ...(example
      ? [
          `RESELLER=${example.resellerId}`,
          `CUSTOMER=${example.customerId}`,
          `TENANT=${example.tenantId}`,
          `ORG=${example.orgId}`,
        ]
      : []),
  ]
  if (!url || !example) return lines.join('\n')
  return [...lines, '', ...CURL_LINES].join('\n')
}

/** The README has the same lines; a test keeps them the same. */
export const CURL_LINES: readonly string[] = [
  '# Create a user of the customer, through the partner-portal API:',
  'TOKEN=$(curl -s "$USHER/oauth2/v2.0/token" -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials | sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\')',
  'curl -i "$USHER/v1/customer/$CUSTOMER/users" \\',
  '  -H "Authorization: Bearer $TOKEN" -H "X-Tenant: $PORTAL" -H "Content-Type: application/json" \\',
  '  -d \'{"firstName":"Ada","lastName":"Lovelace","email":"ada@example.com","role":{},"groups":[{"id":"\'"$GROUP_VIEWER"\'"}]}\'',
  '',
  '# Create an account on the storage platform, through OSIS:',
  'curl -i "$USHER/api/v1/tenants/$TENANT/users" -u "$OSIS_ID:$OSIS_SECRET" -H "Content-Type: application/json" \\',
  '  -d \'{"cd_user_id":"ada","cd_tenant_id":"\'"$ORG"\'","username":"ada","email":"ada@example.com","role":"TENANT_USER"}\'',
]
