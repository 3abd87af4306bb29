import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { deleteClient } from '../directory/clients.ts'
import { type Setup, type SetupIds, setUp } from '../directory/setup.ts'
import { assertValid } from '../model/error.ts'
import { checkDomain, checkOrganizationName } from '../model/organizations.ts'
import { openDirectory } from '../open-directory.ts'
import { action, type Opened, type Output, type Session, withDirectory } from './command.ts'
import { toConsoleLink } from './console.ts'
import { assertOpen } from './output.ts'

/** `usher init`: the first set-up of a directory, without a server. */
export function defineInit(init: Command, session: Session): void {
  addSetupOptions(init)
  init.action(action(session, (options: SetupOptions) => initialize(session, options)))
}

/** The options of a first set-up. */
export interface SetupOptions {
  readonly provider: string
  readonly portal: string
  readonly example: boolean
}

/** Adds the options of a first set-up to a command. */
export function addSetupOptions(command: Command): void {
  command
    .option('--provider <name>', 'Name of the provider', 'My Cloud')
    .option('--portal <domain>', "Domain of the provider's portal", 'localhost')
    .option('--no-example', 'Do not create an example reseller, customer and tenant')
}

/**
 * Checks the options of a set-up, so that a wrong one is refused before anything is opened.
 * @throws {DirectoryError} `invalid`
 */
export function assertSetupOptions({ provider, portal }: SetupOptions): void {
  assertValid([...checkOrganizationName(provider, 'provider'), ...checkDomain(portal, 'portal')])
}

async function initialize(session: Session, options: SetupOptions): Promise<Output> {
  assertSetupOptions(options)
  assertOpen(session.io.stdout)
  const config = await readConfig(session.env)
  await using opened = new AsyncDisposableStack()
  const { dir, close } = await openDirectory(config)
  opened.defer(close)
  const setup = await setUp(dir, options)
  const shown = { url: null, link: linkOf(setup, config) }
  return describeFirst(setup, shown, (work) => withDirectory(session, work))
}

/** Runs work on the directory that was set up. */
type InDirectory = (work: (opened: Pick<Opened, 'dir' | 'ctx'>) => Promise<unknown>) => Promise<unknown>

/** Where the server of a set-up is, if there is one, and the link by which the first person enters the console. */
interface Shown {
  readonly url: string | null
  /** Null if the console is left out, or refuses to run. */
  readonly link: string | null
}

/** Returns the link by which the first person enters the console. */
export function linkOf({ link }: Setup, config: Config): string | null {
  return link && toConsoleLink(config, link.token)
}

/**
 * Describes a first set-up. If the description cannot be written, its two clients are removed again.
 * @param inDirectory runs the removal
 */
export function describeFirst(setup: Setup, shown: Shown, inDirectory: InDirectory): Output {
  const ids = [setup.administrator.id, setup.osis.id]
  const secret = {
    remove: () =>
      inDirectory(async ({ dir, ctx }) => {
        for (const id of ids) await deleteClient(dir, ctx, id)
      }),
    advice:
      'the directory is set up, but its two clients were removed again, because their secrets were not shown: ' +
      'usher status shows the ids, usher client add makes new clients',
  }
  return { json: toJson(setup, shown), lines: describeSetup(setup, shown), secret }
}

/** The JSON of a set-up. Other programs depend on it; see "Names that others depend on" in docs/operating.md. */
function toJson(setup: Setup, { link }: Shown): object {
  const { administrator, osis } = setup
  return {
    ...toIdsJson(setup),
    clients: {
      administrator: { client_id: administrator.id, client_secret: administrator.secret },
      osis: { client_id: osis.id, client_secret: osis.secret },
    },
    console: { link },
  }
}

/** The JSON of a set-up without its secrets. */
export function toIdsJson({ provider, portal, groups, example, administrator, osis }: SetupIds): object {
  return {
    provider,
    portal,
    groups,
    reseller: example?.resellerId ? { id: example.resellerId } : null,
    customer: example?.customerId ? { id: example.customerId } : null,
    clients: {
      administrator: administrator && { client_id: administrator.id },
      osis: osis && { client_id: osis.id },
    },
  }
}

/** Describes a set-up for people: ids and secrets as shell variables, and two example calls if a server runs. */
function describeSetup(setup: Setup, { url, link }: Shown): string[] {
  const { provider, portal, example, administrator, osis } = setup
  const secrets = new Map([
    ['CLIENT_ID', `CLIENT_SECRET=${administrator.secret}`],
    ['OSIS_ID', `OSIS_SECRET=${osis.secret}`],
  ])
  const variables = listVariables(setup).flatMap(([name, value]) => {
    const secret = secrets.get(name)
    return [`${name}=${value}`, ...(secret ? [secret] : [])]
  })
  return [
    `Set up ${provider.name} with the portal ${portal}. The secrets below are shown only once; keep them.`,
    '',
    ...(url ? [`USHER=${url}`] : []),
    ...variables,
    ...(url && example ? ['', ...CURL_LINES] : []),
    ...(link ? ['', '# Open the console in a browser. The link works once, within an hour:', link] : []),
  ]
}

/** Lists the ids of a set-up as shell variables. */
export function listVariables(setup: SetupIds): [name: string, value: string][] {
  const { portal, groups, example, administrator, osis } = setup
  const variables: [string, string | null | undefined][] = [
    ['PORTAL', portal],
    ['CLIENT_ID', administrator?.id],
    ['OSIS_ID', osis?.id],
    ...Object.entries(groups).map(([name, id]): [string, string] => [
      `GROUP_${name.toUpperCase().replaceAll(' ', '_')}`,
      id,
    ]),
    ['RESELLER', example?.resellerId],
    ['CUSTOMER', example?.customerId],
    ['TENANT', example?.tenantId],
    ['ORG', example?.orgId],
  ]
  return variables.filter((one): one is [string, string] => typeof one[1] === 'string')
}

/** Two calls to try. The README has the same lines, and a test compares them. */
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
