import type { Static, TSchema } from 'typebox'
import * as accounts from './contract/accounts.ts'
import * as audit from './contract/audit.ts'
import * as find from './contract/find.ts'
import * as groups from './contract/groups.ts'
import * as history from './contract/history.ts'
import * as organizations from './contract/organizations.ts'
import type { OperationDeclaration } from './contract/parts.ts'
import * as people from './contract/people.ts'
import * as platform from './contract/platform.ts'
import * as portals from './contract/portals.ts'
import * as users from './contract/users.ts'
import * as you from './contract/you.ts'

export type { Problem, ProblemCode } from './contract/parts.ts'
export type { SignInProblem } from './contract/sign-in.ts'

/** Every operation of the console's API. The browser imports the type alone. */
export const contract = {
  ...you,
  ...people,
  ...find,
  ...users,
  ...accounts,
  ...history,
  ...platform,
  ...organizations,
  ...portals,
  ...audit,
  ...groups,
} as const satisfies Readonly<Record<string, OperationDeclaration>>

type Declared = (typeof contract)[keyof typeof contract]
type PartOf<D, Name extends string> = D extends { readonly [N in Name]: infer Schema extends TSchema }
  ? { readonly [N in Name]: Static<Schema> }
  : unknown

/** What the browser sends and gets, by `METHOD /path`: `Calls['GET /me']['response']`. */
export type Calls = {
  readonly [D in Declared as `${D['method']} ${D['path']}`]: {
    readonly request: PartOf<D, 'params'> & PartOf<D, 'query'> & PartOf<D, 'body'>
    readonly response: Static<D['response']>
  }
}
