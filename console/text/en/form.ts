import { newFormats } from '../format.ts'

const { plural } = newFormats('en-GB')

/** What forms say. */
export const form = {
  needsChange: (count: number) => `${count} ${plural(count, 'thing needs', 'things need')} a change.`,
  unsaved: 'Leave without saving?',
  unsavedText: 'What you typed on this page is not saved.',
  stay: 'Stay here',
  leave: 'Leave',
  secretUnsaved: 'The secret is shown this once.',
}

type Params = Readonly<Record<string, string | number>>

/** What is wrong with a field, by the rule that it breaks. Null: the server's sentence says it better. */
export const issues = {
  required: () => 'must not be empty',
  unknown: () => null,
  unique: () => 'belongs to another user of this organization',
  repeated: () => 'must not be repeated',
  fixed: () => 'cannot be changed',
  last: () => 'would leave the organization without an active Administrator',
  oneself: () => 'cannot be done to oneself',
  reused: () => 'was used for another request: open the form again',
  text: () => null,
  email: () => 'must be an e-mail address',
  uuid: () => 'must be an id',
  maxLength: ({ max }: Params) => `must have at most ${max} characters`,
  minLength: ({ min }: Params) => (min === 1 ? 'must not be empty' : `must have at least ${min} characters`),
  maxItems: ({ max }: Params) => `must have at most ${max} entries`,
  minItems: ({ min }: Params) => `must have at least ${min} ${min === 1 ? 'entry' : 'entries'}`,
} satisfies Readonly<Record<string, (params: Params) => string | null>> as Readonly<
  Record<string, (params: Params) => string | null>
>
