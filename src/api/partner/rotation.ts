import { Type } from '../../json-schema.ts'
import { toUtc } from '../../model/times.ts'

/** The body of a call that replaces a secret. */
interface RotationBody {
  readonly oldSecretValidUntil?: string | null
}

/**
 * Makes the schema of the body of a call that replaces a secret.
 * @param description what `oldSecretValidUntil` means
 */
export const newRotationModel = (title: string, description: string) =>
  Type.Unsafe<RotationBody | null>({
    type: ['object', 'null'],
    title,
    properties: { oldSecretValidUntil: { type: ['string', 'null'], format: 'date-time', description } },
    examples: [{ oldSecretValidUntil: null }],
  })

/** Returns until when a caller wants the former secret to be accepted; null ends it at once. */
export function toPreviousUntil(body: RotationBody | null): string | null | undefined {
  const until = body?.oldSecretValidUntil
  return typeof until === 'string' ? toUtc(until) : until
}
