import { getToken, type Init } from './usher.ts'

/** How a call ended: its status and body; status 0 if the connection broke. */
export interface CallResult {
  readonly status: number
  readonly body: unknown
}

/** Creates users through both APIs of a running Usher. */
export interface Creates {
  portal(email: string): Promise<CallResult>
  osis(orgUserId: string): Promise<CallResult>
  /**
   * Creates several users in one bulk call. Its status is 201 if all of them were created, and 0 if the connection broke.
   * @returns in its body the ids in the response, in order; undefined for users whose line has not arrived
   */
  bulk(emails: readonly string[]): Promise<CallResult & { readonly body: readonly (string | undefined)[] }>
}

async function post(url: string, headers: Record<string, string>, body: object): Promise<CallResult> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: JSON.parse((await response.text()) || 'null') }
  } catch {
    return { status: 0, body: null }
  }
}

/** Sends lines of NDJSON. Returns the lines of the response that have arrived whole, also if the connection breaks. */
async function postLines(
  url: string,
  headers: Record<string, string>,
  lines: readonly object[],
): Promise<CallResult & { readonly body: readonly string[] }> {
  let [status, text] = [0, '']
  try {
    const body = lines.map((line) => JSON.stringify(line)).join('\n')
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...headers },
      body,
    })
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk
    status = response.status
  } catch {
    // What has arrived counts.
  }
  return { status, body: text.split('\n').slice(0, -1) }
}

/**
 * Returns functions that create users of the example's customer through both APIs.
 * @param given.tenantId the tenant of the customer, with the org `org`
 */
export function newCreates(
  at: string,
  given: { readonly init: Init; readonly token: string; readonly tenantId: string },
): Creates {
  const { init, token, tenantId } = given
  const { client_id, client_secret } = init.clients.osis
  const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64')
  const groups = [{ id: init.groups.Viewer }]
  return {
    portal: (email) =>
      post(
        `${at}/v1/customer/${init.customer.id}/users`,
        { authorization: `Bearer ${token}`, 'x-tenant': init.portal },
        { firstName: 'Ada', lastName: 'Lovelace', email, role: {}, groups },
      ),
    async bulk(emails) {
      const { status, body } = await postLines(
        `${at}/v1/customer/${init.customer.id}/users/bulk`,
        { authorization: `Bearer ${token}`, 'x-tenant': init.portal },
        emails.map((email) => ({ firstName: 'Ada', lastName: 'Lovelace', email, groups })),
      )
      const results = body.map((line) => JSON.parse(line) as { line: number; status: string; id?: string })
      const idOf = new Map(
        results.map(({ line, status, id }) => [line, status === 'created' ? id : undefined]),
      )
      const ids = emails.map((_, i) => idOf.get(i + 1))
      return { status: status === 200 && ids.every(Boolean) ? 201 : status, body: ids }
    },
    osis: (orgUserId) =>
      post(
        `${at}/api/v1/tenants/${tenantId}/users`,
        { authorization: `Basic ${basic}` },
        { cd_user_id: orgUserId, cd_tenant_id: 'org', username: orgUserId, role: 'TENANT_USER' },
      ),
  }
}

/** Creates the tenant that creates need, through OSIS; returns its id and a token. */
export async function prepareCreates(at: string, init: Init): Promise<{ token: string; tenantId: string }> {
  const token = await getToken(at, init.clients.administrator)
  const { client_id, client_secret } = init.clients.osis
  const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64')
  const response = await post(
    `${at}/api/v1/tenants`,
    { authorization: `Basic ${basic}` },
    { name: 'Acme', cd_tenant_ids: ['org'] },
  )
  return { token, tenantId: (response.body as { tenant_id: string }).tenant_id }
}
