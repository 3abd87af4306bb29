import type { Problem } from '../../src/api/console/contract.ts'

export type { Problem } from '../../src/api/console/contract.ts'
export type Issue = Problem['errors'][number]

/** A call that failed. */
export class ProblemError extends Error {
  /** The HTTP status; 0 if the server could not be reached. */
  readonly status: number
  /** What the server says; null if it says nothing that the console understands. */
  readonly problem: Problem | null
  /** After how many seconds the server may be asked again; null if it does not say. */
  readonly retryAfter: number | null

  constructor(parts: { status: number; problem?: Problem | null; retryAfter?: number | null }) {
    super(parts.problem?.description ?? `status ${parts.status}`)
    this.name = 'ProblemError'
    this.status = parts.status
    this.problem = parts.problem ?? null
    this.retryAfter = parts.retryAfter ?? null
  }
}

/** The issues of a refused form: those of each field, and those of none. */
export interface FormIssues {
  readonly fields: Readonly<Record<string, readonly Issue[]>>
  readonly rest: readonly Issue[]
}

/**
 * Assigns the issues of a refusal to the fields of a form: by the exact name of the member, else by the longest field
 * that the name begins with, so that `groupIds[2]` belongs to `groupIds`.
 */
export function toFormIssues(issues: readonly Issue[], names: readonly string[]): FormIssues {
  const fields: Record<string, Issue[]> = {}
  const rest: Issue[] = []
  for (const issue of issues) {
    const name = findField(issue.propertyName, names)
    if (name === undefined) rest.push(issue)
    else fields[name] = [...(fields[name] ?? []), issue]
  }
  return { fields, rest }
}

function findField(member: string, names: readonly string[]): string | undefined {
  if (names.includes(member)) return member
  return names
    .filter((name) => member.startsWith(`${name}[`) || member.startsWith(`${name}.`))
    .sort((a, b) => b.length - a.length)[0]
}
