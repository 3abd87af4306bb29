/**
 * The rules that a member of a request can break, as a closed list. Those with the names of JSON Schema's keywords break
 * the schema of the request.
 */
export const ISSUE_RULES = [
  'required',
  'unknown',
  'unique',
  'repeated',
  'fixed',
  'last',
  'oneself',
  'reused',
  'readable',
  'token',
  'cursor',
  'combination',
  'ambiguous',
  'different',
  'order',
  'kind',
  'operator',
  'text',
  'time',
  'uuid',
  'email',
  'domain',
  'url',
  'operation',
  'filter',
  'json',
  'range',
  'phone',
  'country',
  'companyName',
  'contactName',
  'row',
  'type',
  'format',
  'enum',
  'pattern',
  'maxLength',
  'minLength',
  'maxItems',
  'minItems',
  'maximum',
  'minimum',
  'minProperties',
  'other',
] as const

/** The name of a rule that a member of a request can break. */
export type IssueRule = (typeof ISSUE_RULES)[number]

/**
 * What an issue of a rule says about it in `params`; issues of other rules have none. A text must do without a parameter
 * that an issue does not have.
 */
export interface RuleParams {
  readonly maxLength: { readonly max: number }
  readonly minLength: { readonly min: number }
  readonly maxItems: { readonly max: number }
  readonly minItems: { readonly min: number }
  readonly maximum: { readonly max: number }
  readonly minimum: { readonly min: number }
  readonly minProperties: { readonly min: number }
  /** JSON types with ` or ` between them. */
  readonly type: { readonly type: string }
  /** `uuid`, `email`, `date-time`, `text` and others. */
  readonly format: { readonly format: string }
  /** The values to choose from, with `, ` between them. */
  readonly enum: { readonly values: string }
  /** What the pattern means, in English. */
  readonly pattern: { readonly title: string }
  /** The domains that are not allowed. */
  readonly domain: { readonly domain: string }
}
