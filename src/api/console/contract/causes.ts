import { Type } from '../../../json-schema.ts'
import { CAUSE_CODES, type Cause } from '../../../model/causes.ts'
import { oneOf } from './parts.ts'

const members = {
  code: oneOf(CAUSE_CODES, 'The cause, from a closed list.'),
  status: Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    description: 'The HTTP status of a refusal; null for other causes.',
  }),
  platformCode: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: "The platform's own code of a refusal; null if it sent none.",
  }),
}

/** Why a call to the platform failed. */
export const CauseModel = Type.Object(members)

/** The same, or null. */
export const NullableCause = Type.Unsafe<Cause | null>({
  anyOf: [CauseModel, Type.Null()],
  description: 'Why it failed; null if it did not.',
})
