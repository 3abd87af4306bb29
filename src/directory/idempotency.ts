import type { CallerName } from '../model/context.ts'
import { DirectoryError } from '../model/error.ts'
import { DAY_MS } from '../model/times.ts'
import { formatCaller } from '../store/audit/entry-rows.ts'
import { ConstraintError } from '../store/port.ts'
import { insertRecordedResponse, selectRecordedResponse } from '../store/tables/idempotency-keys.ts'
import type { Directory } from './directory.ts'
import type { Scope } from './reach.ts'
import { SealError } from './sealing/sealer.ts'

/** How long a response can be replayed, in milliseconds. */
const TTL_MS = DAY_MS

/** A running unit, as far as idempotency keys need it. */
type KeyedUnit = Scope & { readonly now: string }

/** The client or person who calls, and the call that they may repeat. */
function readCall({ ctx: { caller, idempotency } }: KeyedUnit) {
  if (caller.kind === 'operator' || !idempotency) throw new Error('the call has no idempotency key')
  return { caller, ...idempotency }
}

/**
 * Returns what an earlier call recorded under the idempotency key of this call, or undefined.
 * @throws {DirectoryError} `idempotency_key_reused` if the key was used for another request
 */
export async function findRecordedResponse(dir: Directory, unit: KeyedUnit): Promise<unknown> {
  const { caller, key, fingerprint } = readCall(unit)
  const recorded = await selectRecordedResponse(unit.tx, caller, { key, now: unit.now })
  if (!recorded) return undefined
  if (recorded.requestHash !== fingerprint)
    throw refuseKey('was used for another request within the last 24 hours')
  const { response } = recorded
  // A response that is not sealed is a JSON object.
  return JSON.parse(response.startsWith('{') ? response : open(dir, response, sealedIdentity(caller, key)))
}

/** @throws {DirectoryError} `idempotency_key_reused` if the master key was replaced since: the secret is lost */
function open({ sealer }: Directory, sealed: string, identity: string): string {
  try {
    return sealer.open(sealed, identity)
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    throw refuseKey(
      'was used, and the response can no longer be read: see what the call made, then use another key',
    )
  }
}

/**
 * Records the response of a call under its idempotency key.
 * @param record.isSecret whether the response is sealed
 * @throws {ConstraintError} if another call with this key was faster: the unit must run again, and finds its response
 */
export async function recordResponse(
  { sealer }: Directory,
  unit: KeyedUnit,
  record: { readonly response: object; readonly isSecret: boolean },
): Promise<void> {
  const { caller, key, fingerprint: requestHash } = readCall(unit)
  const { isSecret } = record
  const text = JSON.stringify(record.response)
  const response = isSecret ? sealer.seal(text, sealedIdentity(caller, key)) : text
  const expiresAt = new Date(Date.parse(unit.now) + TTL_MS).toISOString()
  const row = { key, requestHash, response, expiresAt, now: unit.now }
  if (!(await insertRecordedResponse(unit.tx, caller, row)))
    throw new ConstraintError('idempotency key', undefined)
}

/** Returns the identity that a sealed response is bound to. */
function sealedIdentity(caller: CallerName, key: string): string {
  return `idempotency-key:${formatCaller(caller)}:${key}`
}

function refuseKey(message: string): DirectoryError {
  return new DirectoryError('idempotency_key_reused', `The idempotency key ${message}.`, {
    issues: [{ path: 'idempotencyKey', rule: 'reused', message }],
  })
}
