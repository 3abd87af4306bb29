import type { IssueRule } from '../../../src/model/rules.ts'
import { newFormats } from '../format.ts'

const { plural } = newFormats('en-GB')

/** What forms say. */
export const form = {
  needsChange: (count: number) => `${count} ${plural(count, 'thing needs', 'things need')} a change.`,
  unsaved: 'Leave without saving?',
  unsavedText: 'What you typed on this page is not saved.',
  stay: 'Stay here',
  leave: 'Leave',
}

type Say = (params: Readonly<Record<string, string | number>>) => string | null

/** What is wrong with a field, by the rule that it breaks. Null: the server's sentence says more. */
export const issues: Readonly<Record<IssueRule, Say>> = {
  required: () => 'must not be empty',
  unknown: () => null,
  unique: () => 'belongs to another user of this organization',
  repeated: () => 'must not be repeated',
  fixed: () => 'cannot be changed',
  last: () => 'would leave the organization without an active Administrator',
  oneself: () => 'cannot be done to oneself',
  reused: () => 'was used for another request: open the form again',
  readable: () => null,
  token: () => null,
  cursor: () => 'belongs to another list: start at the top',
  combination: () => null,
  ambiguous: () => null,
  different: () => null,
  order: () => null,
  kind: () => null,
  operator: () => null,
  text: () => 'has characters that are not allowed',
  time: () => 'must be a time',
  uuid: () => 'must be an id',
  email: () => 'must be an e-mail address',
  domain: () => null,
  url: () => 'must be a URL',
  operation: () => 'is no operation',
  filter: () => null,
  json: () => 'must be JSON',
  range: () => null,
  phone: () => 'must be a phone number',
  country: () => 'must be a country',
  companyName: () => null,
  contactName: () => null,
  row: () => null,
  type: () => null,
  format: ({ format }) =>
    ({ uuid: 'must be an id', email: 'must be an e-mail address' })[String(format)] ?? null,
  enum: ({ values }) => (values ? `must be one of ${values}` : null),
  pattern: () => null,
  maxLength: ({ max }) => `must have at most ${max} characters`,
  minLength: ({ min }) => (min === 1 ? 'must not be empty' : `must have at least ${min} characters`),
  maxItems: ({ max }) => `must have at most ${max} entries`,
  minItems: ({ min }) => `must have at least ${min} ${min === 1 ? 'entry' : 'entries'}`,
  maximum: ({ max }) => `must be at most ${max}`,
  minimum: ({ min }) => `must be at least ${min}`,
  minProperties: () => 'must change something',
  other: () => null,
}
