import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { send } from '../../testing/http.ts'

/** A real OpenID provider in this process, with one client: Usher. */
export interface TestOpenIdProvider {
  readonly issuer: string
  /** The settings by which Usher uses it. */
  readonly settings: Readonly<Record<string, string>>
  /** What the provider says about the person who signs in next; `sub` is their id. */
  person: { sub: string } & Readonly<Record<string, unknown>>
  /** Makes the provider respond with 503, or respond again. */
  setDown(isDown: boolean): void
  /** Signs the person in at a URL that Usher sent the browser to; returns where the provider sends the browser back. */
  signIn(url: string): Promise<URL>
  close(): Promise<void>
}

const CLIENT = { client_id: 'usher', client_secret: 'a~secret.of+usher/' } as const

/**
 * Starts an OpenID provider.
 * @param callback where the client may send people back to
 */
export async function startOpenIdProvider(callback: string): Promise<TestOpenIdProvider> {
  let isDown = false
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close')
    if (!isDown) return handle(request, response)
    response.statusCode = 503
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const started: TestOpenIdProvider = {
    issuer,
    settings: {
      USHER_CONSOLE_ISSUER: issuer,
      USHER_CONSOLE_CLIENT_ID: CLIENT.client_id,
      USHER_CONSOLE_CLIENT_SECRET: CLIENT.client_secret,
      USHER_CONSOLE_ISSUER_NAME: 'Test sign-in',
    },
    person: { sub: 'nobody' },
    setDown: (down) => {
      isDown = down
    },
    signIn,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const provider = newProvider(issuer, callback, () => started.person)
  const serveProtocol = provider.callback()
  handle = (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return serveProtocol(request, response)
    void provider.interactionFinished(request, response, { login: { accountId: started.person.sub } })
  }
  return started
}

function newProvider(
  issuer: string,
  callback: string,
  getPerson: () => TestOpenIdProvider['person'],
): Provider {
  // The provider warns on standard error that this is a development setup.
  const { warn } = console
  console.warn = () => undefined
  const provider: Provider = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [callback], token_endpoint_auth_method: 'client_secret_basic' }],
    claims: { openid: ['sub'], email: ['email', 'email_verified', 'xms_edov'], profile: ['name'] },
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => getPerson() }),
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    async loadExistingGrant({
      oidc,
    }: {
      oidc: { client: { clientId: string }; session: { accountId: string } }
    }) {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  })
  console.warn = warn
  return provider
}

/** Follows the provider's redirects, with its cookies, until it sends the browser elsewhere. */
async function signIn(start: string): Promise<URL> {
  const { origin } = new URL(start)
  const cookies = new Map<string, string>()
  for (let url = new URL(start), steps = 0; steps < 10; steps++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { host: url.host, ...(cookie && { cookie }) }
    const response = await send(origin, { method: 'GET', path: url.pathname + url.search, headers })
    for (const set of response.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      cookies.set(name, value)
    }
    const { location } = response.headers
    if (location === undefined)
      throw new Error(`the provider responded with ${response.status}: ${response.text}`)
    url = new URL(location, url)
    if (url.origin !== origin) return url
  }
  throw new Error('the provider redirects for ever')
}
