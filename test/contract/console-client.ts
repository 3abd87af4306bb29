import assert from 'node:assert/strict'
import { type HttpResponse, jsonOf, send } from '../../testing/http.ts'
import type { Init } from '../../testing/usher.ts'

/** A browser that is signed in to the console: it has a cookie, and says where its requests come from. */
export interface ConsoleClient {
  /** The value of the header Cookie. */
  readonly cookie: string
  /** Sends a request to the console's API. */
  send(method: string, path: string, body?: object, headers?: Headers): Promise<HttpResponse>
  /** Sends a request that must succeed; returns the JSON of the response. */
  call<T = unknown>(method: string, path: string, body?: object, headers?: Headers): Promise<T>
}

type Headers = Readonly<Record<string, string | undefined>>

/** Where a server is, and what its set-up printed. */
interface Place {
  readonly url: string
  readonly init: Init
}

/** What a browser sends with a request of the console's own page. */
export const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' } as const

/** The failure of a call, as the console's contract has it. */
export interface Problem {
  readonly statusCode: number
  readonly code: string
  readonly description: string
  readonly correlationId: string
  readonly errors: readonly { readonly propertyName: string; readonly rule: string }[]
}

/** Sends a request to the console's API, as a page of it does. */
export function sendToConsole(
  url: string,
  method: string,
  path: string,
  { body, headers = {} }: { body?: object | undefined; headers?: Headers } = {},
): Promise<HttpResponse> {
  return send(url, {
    method,
    path: `/console/api${path}`,
    headers: {
      host: new URL(url).host,
      ...SAME_ORIGIN,
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  })
}

/** Makes a browser with a cookie. */
export function newConsoleClient(url: string, cookie: string): ConsoleClient {
  const sendAs: ConsoleClient['send'] = (method, path, body, headers) =>
    sendToConsole(url, method, path, { body, headers: { cookie, ...headers } })
  return {
    cookie,
    send: sendAs,
    async call(method, path, body, headers) {
      const response = await sendAs(method, path, body, headers)
      assert.ok(response.status < 300, `${method} ${path}: ${response.status} ${response.text}`)
      return response.text === '' ? (undefined as never) : jsonOf(response)
    },
  }
}

/** Returns the token of a one-time link. */
export function tokenOf(link: string): string {
  return link.split('#')[1] ?? ''
}

/** Returns the name of a cookie. */
export function nameOf(cookie: string): string {
  return cookie.split('=')[0] ?? ''
}

/** Returns the header Cookie that a browser sends after a response: its cookies by name. */
export function cookieOf(response: HttpResponse): string {
  return (response.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ')
}

/** Enters by a one-time link, with names and an e-mail where they are missing. */
export async function enterByLink(
  url: string,
  link: string,
  person: { firstName?: string; lastName?: string; email?: string } = {},
): Promise<ConsoleClient> {
  const response = await sendToConsole(url, 'POST', '/enter', { body: { token: tokenOf(link), ...person } })
  assert.equal(response.status, 200, response.text)
  return newConsoleClient(url, cookieOf(response))
}

/** Enters as the first Administrator of the provider, by the link of the set-up. It works once for each server. */
export function enterFirst({ url, init }: Place, email = 'grace@example.com'): Promise<ConsoleClient> {
  const person = { firstName: 'Grace', lastName: 'Hopper', email }
  return enterByLink(url, init.console.link ?? '', person)
}
