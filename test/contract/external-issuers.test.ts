import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EXTERNAL_CLIENT, startIssuer } from './external-issuer.ts'
import { assertTokenRefused, create, idOf, newUser } from './portal.ts'
import { useTarget } from './target.ts'

type Claims = Readonly<Record<string, unknown>>

interface Provider {
  /** The heading of its section in docs/external-issuers.md, which has its setting. */
  readonly name: string
  /** The id of our client at the provider. */
  readonly client: string
  readonly header?: Claims
  readonly machines: readonly Claims[]
  /** Tokens of people who logged in through the client, and other tokens that are no program's. */
  readonly others: readonly Claims[]
}

const HUMAN = '5f1b3c8e-7a52-4f0b-9c1d-2e8a6b4d0f17'
const ENTRA = { azp: 'entra-app', azpacr: '1', tid: 'TENANT_ID', uti: 'xyz', rh: '0.AX', ver: '2.0' }
const ENTRA_PERSON = {
  name: 'Ada Lovelace',
  preferred_username: 'ada@example.com',
  scp: 'user_impersonation',
}
const OKTA = { ver: 1, jti: 'AT.x', cid: '0oaApp', scp: ['usher.users'] }
const AUTH0 = { azp: 'Auth0App', scope: 'create:users' }
const KEYCLOAK = { jti: 'trrtcc:1', typ: 'Bearer', azp: 'keycloak-app', acr: '1', scope: 'profile email' }
const COGNITO = { client_id: 'cognito-app', token_use: 'access', scope: 'usher/create', version: 2, jti: 'x' }
const RFC9068 = { client_id: 'rfc-app', jti: 'x', scope: 'create' }
const GOOGLE_ACCOUNT = '104110823940211938475'

/** The claims of each provider's tokens, without `iss`, `aud` and times. */
const PROVIDERS: readonly Provider[] = [
  {
    name: 'Microsoft Entra ID',
    client: 'entra-app',
    header: { typ: 'JWT' },
    machines: [
      { ...ENTRA, oid: 'service-principal', sub: 'service-principal', roles: ['Users.Create'] },
      { ...ENTRA, oid: 'service-principal', sub: 'service-principal', idtyp: 'app' },
    ],
    others: [
      { ...ENTRA, ...ENTRA_PERSON, oid: HUMAN, sub: 'pairwise' },
      { ...ENTRA, ...ENTRA_PERSON, oid: HUMAN, sub: 'pairwise', idtyp: 'user' },
      { ...ENTRA, oid: HUMAN, sub: HUMAN, idtyp: 'user' },
      { ...ENTRA, sub: 'pairwise' },
    ],
  },
  {
    name: 'Okta',
    client: '0oaApp',
    header: { typ: undefined },
    machines: [{ ...OKTA, sub: '0oaApp' }],
    others: [
      { ...OKTA, uid: '00uAda', sub: 'ada@example.com', scp: ['openid', 'profile'], auth_time: 1 },
      // An ID token.
      { ver: 1, sub: '00uAda', jti: 'ID.x', amr: ['pwd'], idp: '00o', at_hash: 'x', name: 'Ada' },
    ],
  },
  {
    name: 'Auth0',
    client: 'Auth0App',
    machines: [
      { ...AUTH0, sub: 'Auth0App@clients', gty: 'client-credentials' },
      { client_id: 'Auth0App', jti: 'x', sub: 'Auth0App@clients', scope: 'create:users' },
    ],
    others: [
      { ...AUTH0, sub: 'auth0|6420c1', scope: 'openid profile' },
      { ...AUTH0, sub: 'auth0|6420c1', gty: 'password' },
      { client_id: 'Auth0App', jti: 'x', sub: 'auth0|6420c1' },
      { ...AUTH0, sub: 'auth0|x@clients' },
      { ...AUTH0, sub: 'Auth0App@clients\n' },
      { ...AUTH0, sub: 'Auth0App@clients.example' },
      { ...AUTH0, sub: ['Auth0App@clients'] },
    ],
  },
  {
    name: 'Keycloak',
    client: 'keycloak-app',
    header: { typ: 'JWT' },
    machines: [
      {
        ...KEYCLOAK,
        ...{ sub: HUMAN, client_id: 'keycloak-app', preferred_username: 'service-account-keycloak-app' },
        ...{ clientHost: '192.0.2.1', clientAddress: '192.0.2.1', email_verified: false },
      },
    ],
    others: [
      { ...KEYCLOAK, sub: HUMAN, sid: 'session', preferred_username: 'ada', email: 'ada@example.com' },
      // A person who chose a user name like that of a service account.
      { ...KEYCLOAK, sub: HUMAN, sid: 'session', preferred_username: 'service-account-keycloak-app' },
      {
        ...KEYCLOAK,
        typ: 'ID',
        sub: HUMAN,
        client_id: 'keycloak-app',
        preferred_username: 'service-account-x',
      },
    ],
  },
  {
    name: 'Google',
    client: GOOGLE_ACCOUNT,
    header: { typ: 'JWT' },
    machines: [
      {
        ...{ azp: GOOGLE_ACCOUNT, sub: GOOGLE_ACCOUNT, email_verified: true },
        email: 'portal@project.iam.gserviceaccount.com',
      },
    ],
    others: [
      {
        ...{ azp: '1234.apps.googleusercontent.com', sub: '117', hd: 'example.com' },
        ...{ email: 'ada@example.com', email_verified: true, at_hash: 'x' },
      },
      { azp: GOOGLE_ACCOUNT, sub: '117', email: 'ada@example.com' },
    ],
  },
  {
    name: 'Amazon Cognito',
    client: 'cognito-app',
    header: { typ: undefined },
    machines: [{ ...COGNITO, sub: 'cognito-app' }],
    others: [
      { ...COGNITO, sub: HUMAN, username: 'ada', 'cognito:groups': ['admins'] },
      { sub: HUMAN, token_use: 'id', 'cognito:username': 'ada', aud: 'cognito-app' },
      { ...COGNITO, sub: 'cognito-app', token_use: 'id' },
      { ...COGNITO, sub: 'cognito-app', aud: 'https://another-api.example' },
    ],
  },
  {
    name: 'Any issuer by RFC 9068',
    client: 'rfc-app',
    machines: [
      { ...RFC9068, sub: 'rfc-app' },
      { ...RFC9068, sub: 'rfc-app', scp: ['create'] },
    ],
    others: [
      { ...RFC9068, sub: HUMAN },
      { ...RFC9068, sub: undefined },
      { ...RFC9068, sub: ['rfc-app'] },
      { ...RFC9068, sub: { id: 'rfc-app' } },
      { ...RFC9068, sub: 'RFC-APP' },
      { ...RFC9068, sub: 'rfc-app', nonce: 'n-0S6' },
      { ...RFC9068, sub: 'rfc-app', act: { sub: 'another-service' } },
      { ...RFC9068, sub: 'rfc-app', scp: 'user_impersonation' },
      { ...RFC9068, sub: 'rfc-app', idtyp: 'user' },
      { ...RFC9068, sub: 'rfc-app', idtyp: ['app'] },
      { ...RFC9068, client_id: ['rfc-app'], sub: ['rfc-app'] },
      { ...RFC9068, client_id: 'RFC-APP', sub: 'RFC-APP' },
      { ...RFC9068, client_id: '', sub: '' },
    ],
  },
]

interface IssuerSetting {
  readonly issuer: string
  readonly audience: string | null
}

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/external-issuers.md'), 'utf8')

/** Returns the setting of a provider in the document. */
function settingOf({ name }: Provider): IssuerSetting {
  const section = DOCUMENT.split(/^### /m).find((text) => text.startsWith(`${name}\n`))
  const json = /```json\n([\s\S]*?)```/.exec(section ?? '')?.[1]
  return (JSON.parse(json ?? 'null') as IssuerSetting[])[0] ?? assert.fail(`no setting of ${name}`)
}

const signer = await startIssuer()
const settings = PROVIDERS.map((one) => ({ ...settingOf(one), jwksUrl: signer.jwksUrl }))
const DEFAULT = { issuer: signer.issuer, audience: signer.audience, jwksUrl: signer.jwksUrl }

const target = useTarget({ USHER_ISSUERS: JSON.stringify([...settings, DEFAULT]) }, async () => {
  const organization = target.init.provider.id
  const add = (issuer: string, id: string): Promise<unknown> =>
    target.operator.addClient({ organization, permission: 'administrator', external: { issuer, id } })
  for (const provider of PROVIDERS) await add(settingOf(provider).issuer, provider.client)
  await add(signer.issuer, EXTERNAL_CLIENT)
})

after(() => signer.end())

/** Signs a token with a provider's claims. */
function signFor(provider: Provider, claims: Claims): Promise<string> {
  const { issuer, audience } = settingOf(provider)
  const now = Math.floor(Date.now() / 1000)
  const times = { iat: now, nbf: now, exp: now + 600 }
  return signer.signClaims({ iss: issuer, aud: audience ?? undefined, ...times, ...claims }, provider.header)
}

for (const provider of PROVIDERS) {
  test(`${provider.name}: a token of a program is accepted`, async () => {
    for (const claims of provider.machines)
      idOf(await create(target, newUser(), { token: await signFor(provider, claims) }))
  })

  test(`${provider.name}: a token of a person, or one that is no access token, is refused`, async () => {
    for (const claims of provider.others)
      assertTokenRefused(await create(target, newUser(), { token: await signFor(provider, claims) }))
  })
}

test('idtyp of Entra ID is proof without a setting', async () => {
  const claims = { sub: 'service-principal', oid: 'service-principal' }
  // Version 1.0 names the client in `appid`.
  const old = { ...claims, azp: undefined, appid: EXTERNAL_CLIENT, appidacr: '1', idtyp: 'app' }
  idOf(await create(target, newUser(), { token: await signer.sign(old) }))
  idOf(await create(target, newUser(), { token: await signer.sign({ ...claims, idtyp: 'app' }) }))
  assertTokenRefused(await create(target, newUser(), { token: await signer.sign(claims) }))
})

test('the clock of an issuer may be a minute ahead, and its tokens live no longer for that', async () => {
  const now = Math.floor(Date.now() / 1000)
  const isAccepted = async (claims: Claims): Promise<boolean> => {
    const response = await create(target, newUser(), { token: await signer.sign(claims) })
    if (response.status !== 201) assertTokenRefused(response)
    return response.status === 201
  }
  for (const claim of ['nbf', 'iat']) {
    assert.equal(await isAccepted({ [claim]: now + 50 }), true, `${claim} 50 s ahead`)
    assert.equal(await isAccepted({ [claim]: now + 90 }), false, `${claim} 90 s ahead`)
    assert.equal(await isAccepted({ [claim]: now + 100 * 365 * 86_400 }), false, `${claim} 100 years ahead`)
    assert.equal(await isAccepted({ [claim]: 'now' }), false, `${claim} as a text`)
  }
  assert.equal(await isAccepted({ exp: now - 5 }), false, 'expired 5 s ago')
})

test('a type or an issuer that is no text is refused, and is no failure', async () => {
  for (const typ of [5, null, ['at+jwt']]) {
    const token = await signer.sign({}, { header: { typ } })
    assertTokenRefused(await create(target, newUser(), { token }))
  }
  assertTokenRefused(await create(target, newUser(), { token: await signer.sign({ iss: [signer.issuer] }) }))
  assert.doesNotMatch(target.log(), /request failed/)
})

test('OSIS takes no token of an external issuer', async () => {
  const token = await signer.sign()
  const response = await fetch(`${target.url}/api/v1/tenants`, {
    headers: { authorization: `Bearer ${token}` },
  })
  assert.equal(response.status, 401)
})
