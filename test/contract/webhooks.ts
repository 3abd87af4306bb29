import assert from 'node:assert/strict'
import { after } from 'node:test'
import { type HttpResponse, jsonOf } from '../../testing/http.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { callPortal, type PortalCall } from './portal.ts'
import type { Reachable } from './target.ts'

/** Who calls; by default the provider's administrator. */
export type Caller = Pick<PortalCall, 'token' | 'portal'>

/** The calls about webhooks, and receivers for them. */
export interface Webhooks {
  /** @param path follows `/v1/webhooks` */
  call(method: string, path: string, body?: unknown, caller?: Caller): Promise<HttpResponse>
  /** Creates a webhook. */
  make(body: object, caller?: Caller): Promise<{ readonly id: string; readonly secret: string }>
  /** Starts a receiver. It ends with the tests of the file. */
  newReceiver(): Promise<Receiver>
}

export function webhooksOf(target: Reachable): Webhooks {
  const receivers: Receiver[] = []
  after(() => Promise.all(receivers.map((one) => one.end())))
  const call: Webhooks['call'] = (method, path, body, caller = {}) =>
    callPortal(target, method, `/webhooks${path}`, { ...caller, body })
  return {
    call,
    async make(body, caller) {
      const response = await call('POST', '', body, caller)
      assert.equal(response.status, 201, response.text)
      return jsonOf(response)
    },
    async newReceiver() {
      const receiver = await startReceiver()
      receivers.push(receiver)
      return receiver
    },
  }
}
