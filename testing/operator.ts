import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { makeSigningKey, SIGNING_ALGORITHM } from '../src/auth/issuer.ts'
import { readConfig } from '../src/config.ts'
import { getSigningKeys } from '../src/directory/sealing/signing-keys.ts'
import { openDirectory } from '../src/open-directory.ts'
import { programEnvironment } from './environment.ts'
import { type ClientSecret, type Settings, usherJson } from './usher.ts'

/**
 * What tests over HTTP need from a server and no API offers yet. Another kind of server needs an implementation of its
 * own. Every function throws an `Error` with the reason if the server refuses.
 */
export interface Operator {
  /** Adds a client to an organization. With `external`, an issuer of its own signs the client's tokens. */
  addClient(client: NewClient): Promise<ClientSecret>
  removeClient(id: string): Promise<void>
  /** Adds a customer that is related to the resellers; returns its id. */
  addCustomer(...resellers: readonly string[]): Promise<string>
  /** Adds a reseller with a portal of its own; returns its id. */
  addReseller(portal: string): Promise<string>
  addPortal(domain: string, organization: string): Promise<void>
  listCustomers(): Promise<readonly { readonly id: string; readonly name: string }[]>
  /** Makes a customer a tenant of the platform. */
  createTenant(tenant: { customer: string; name?: string; orgs?: readonly string[] }): Promise<{ id: string }>
  listTenants(): Promise<readonly TenantRow[]>
  /** Returns the users of an organization. */
  listUsers(organization: string): Promise<readonly Person[]>
  removeUser(id: string, ...options: readonly string[]): Promise<void>
  /** Takes an import back, and returns what the command prints. */
  undoImport(id: string): Promise<unknown>
  listRefreshTokens(): Promise<readonly RefreshTokenRow[]>
  revokeRefreshToken(id: string): Promise<void>
  /** Returns the audit entries of a correlation id, newest first. */
  listAudit(correlationId: string): Promise<readonly AuditRow[]>
  /** Returns the audit entries of an organization, newest first. */
  listAuditOf(organization: string): Promise<readonly AuditRow[]>
  /** Returns whether the audit log is whole. */
  verifyAudit(): Promise<boolean>
  /** Signs a token of the server again, with a lifetime that may be over, and with other claims. */
  signAgain(token: string, seconds: number, claims?: JWTPayload): Promise<string>
}

export interface NewClient {
  readonly organization: string
  readonly permission: 'administrator' | 'viewer' | 'osis'
  readonly external?: { readonly issuer: string; readonly id: string }
}

export interface Person {
  readonly id: string
  readonly email: string | null
  readonly firstName: string | null
  readonly lastName: string | null
  readonly groups: readonly string[]
}

export interface TenantRow {
  readonly id: string
  readonly name: string
  readonly customer: string
  readonly orgs: readonly string[]
}

export interface RefreshTokenRow {
  readonly id: string
  readonly clientId: string
  readonly revokedAt: string | null
}

export interface AuditRow {
  readonly at: string
  readonly operation: string
  readonly status: string
  readonly outcome: string
  readonly caller: string
  readonly portal: string | null
  readonly organization: string | null
  readonly target: string | null
  readonly correlationId: string
  readonly address: string | null
  readonly changedFields: readonly string[]
  readonly changes?: Readonly<
    Record<string, Readonly<Record<'before' | 'after' | 'added' | 'removed', readonly string[]>>>
  >
}

/** Returns the operator of an Usher of this project: its command line, run in this process next to the server. */
export function newOperator(server: {
  readonly dataDir: string
  readonly url: string
  readonly settings: Settings
}): Operator {
  const run = <T>(...args: string[]): Promise<T> => usherJson<T>(server.dataDir, args, server.settings)
  const add = async (kind: string, name: string, resellers: readonly string[]): Promise<string> => {
    const related = resellers.flatMap((id) => ['--reseller', id])
    const made = await run<{ id: string }>('organization', 'add', '--kind', kind, '--name', name, ...related)
    return made.id
  }
  const operator: Operator = {
    addClient({ organization, permission, external }) {
      const signer = external ? ['--issuer', external.issuer, '--external-id', external.id] : []
      const named = ['--permission', permission, '--name', `a test's ${permission}`]
      return run('client', 'add', '--organization', organization, ...named, ...signer)
    },
    removeClient: (id) => run('client', 'remove', id),
    addCustomer: (...resellers) => add('customer', 'A customer', resellers),
    async addReseller(portal) {
      const id = await add('reseller', portal, [])
      await operator.addPortal(portal, id)
      return id
    },
    addPortal: (domain, organization) => run('portal', 'add', domain, '--organization', organization),
    listCustomers: () => run('organization', 'list', '--kind', 'customer'),
    createTenant({ customer, name, orgs = [] }) {
      const named = name === undefined ? [] : ['--name', name]
      return run('tenant', 'create', '--customer', customer, ...named, ...orgs.flatMap((id) => ['--org', id]))
    },
    listTenants: () => run('tenant', 'list'),
    listUsers: (organization) => run('user', 'list', '--organization', organization),
    removeUser: (id, ...options) => run('user', 'remove', id, ...options),
    undoImport: (id) => run('import', 'undo', id),
    listRefreshTokens: () => run('token', 'list'),
    revokeRefreshToken: (id) => run('token', 'revoke', id),
    listAudit: (correlationId) => run('audit', 'list', '--correlation-id', correlationId),
    listAuditOf: (organization) => run('audit', 'list', '--organization', organization),
    verifyAudit: async () => (await run<{ whole: boolean }>('audit', 'verify')).whole,
    signAgain: (token, seconds, claims) => signAgain(server, { token, seconds, claims }),
  }
  return operator
}

/** Signs with the newest key in the data directory, which no command hands out. */
async function signAgain(
  server: { readonly dataDir: string; readonly settings: Settings },
  { token, seconds, claims }: { token: string; seconds: number; claims: JWTPayload | undefined },
): Promise<string> {
  const config = await readConfig(await programEnvironment(server.dataDir, server.settings))
  const open = await openDirectory(config, { create: false })
  try {
    const [key] = await getSigningKeys(open.dir, makeSigningKey)
    if (!key) throw new Error('there is no signing key')
    const iat = Math.floor(Date.now() / 1000)
    const { typ = '' } = decodeProtectedHeader(token)
    return await new SignJWT({ ...decodeJwt(token), iat, exp: iat + seconds, ...claims })
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ, kid: key.kid })
      .sign(await importJWK(JSON.parse(key.privateJwk) as JWK, SIGNING_ALGORITHM))
  } finally {
    await open.close()
  }
}
