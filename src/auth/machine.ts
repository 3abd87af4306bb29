import type { JWTPayload } from 'jose'

/** What a claim must be: this text, a text that a pattern matches as a whole, or the same text as another claim. */
export type Condition = string | { readonly pattern: string } | { readonly sameAs: string }

/** The most characters of a claim that is compared with a pattern, since a pattern can take long on a long text. */
const MAX_MATCHED = 256

/** Conditions by the claim that they are about. */
export type Conditions = Readonly<Record<string, Condition>>

type MachineCheck = (claims: JWTPayload, client: string) => boolean

/**
 * Returns a function that says whether claims prove that a token stands for its client itself. A token with `act` never
 * does: another party uses it (RFC 8693 section 4.1). Neither does one that Entra ID marks as a person's: by `idtyp`, or
 * by a text in `scp`, unless a condition is about `scp`.
 */
export function newMachineCheck(machine: Conditions | undefined): MachineCheck {
  const conditions = machine && Object.entries(machine).map(([claim, one]) => newCondition(claim, one))
  const mayHaveScp = machine?.scp !== undefined
  return (claims, client) => {
    const { act, idtyp, scp } = claims
    if (act !== undefined || (idtyp !== undefined && idtyp !== 'app')) return false
    if (isText(scp) && !mayHaveScp) return false
    return conditions ? conditions.every((holds) => holds(claims)) : isMachineByDefault(claims, client)
  }
}

/** Returns whether `sub` is the client (RFC 9068 section 2.2), or Entra ID's `idtyp` says so. */
function isMachineByDefault({ sub, idtyp }: JWTPayload, client: string): boolean {
  return sub === client || idtyp === 'app'
}

/** Makes the check of one condition. Only a text fulfils it: a list does not, even with the right text in it. */
function newCondition(claim: string, condition: Condition): (claims: JWTPayload) => boolean {
  if (typeof condition === 'string') return (claims) => claims[claim] === condition
  if ('sameAs' in condition) {
    return (claims) => isText(claims[claim]) && claims[claim] === claims[condition.sameAs]
  }
  const pattern = toWholePattern(condition.pattern)
  return (claims) => {
    const value = claims[claim]
    return isText(value) && value.length <= MAX_MATCHED && pattern.test(value)
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/**
 * Compiles a pattern that must match a whole text.
 * @throws {SyntaxError} if it is not a regular expression
 */
export function toWholePattern(pattern: string): RegExp {
  // Compiled alone first: `a)|(?:b` is wrong, but would compile in the brackets below, and match parts of a text.
  return new RegExp(`^(?:${new RegExp(pattern, 'u').source})$`, 'u')
}
