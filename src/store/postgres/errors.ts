import pg from 'pg'
import { ConstraintError, StoreError } from '../port.ts'
import { MAX_CONNECTIONS } from './connection.ts'

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK = '40P01'
const FEATURE_NOT_SUPPORTED = '0A000'
const NO_SUCH_STATEMENT = '26000'
const LOCK_NOT_AVAILABLE = '55P03'
const UNIQUE_VIOLATION = '23505'
const FOREIGN_KEY_VIOLATION = '23503'

/** The SQLSTATE of a refusal by the database (PostgreSQL manual, appendix A); undefined for anything else. */
function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/**
 * Whether a prepared statement of the connection no longer fits: another process has changed the schema since, or
 * something in between has dropped it. On a new connection the same unit succeeds.
 */
export function isOutdated(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state === NO_SUCH_STATEMENT) return true
  return state === FEATURE_NOT_SUPPORTED && /cached plan/.test((error as Error).message)
}

/** Whether a statement over several rows failed because of one of them: it was refused, or waited for in vain. */
export function isOfOneRow(error: unknown): boolean {
  if (!(error instanceof StoreError)) return true
  return isLockTimeout(error.cause)
}

/** Whether a statement waited in vain for what somebody else holds. */
export function isLockTimeout(error: unknown): boolean {
  return sqlStateOf(error) === LOCK_NOT_AVAILABLE
}

/** Whether the same unit, run again, may well succeed: it has been undone, for no reason of its own. */
export function isRetryable(error: unknown): boolean {
  const state = sqlStateOf(error)
  return state === SERIALIZATION_FAILURE || state === DEADLOCK || isOutdated(error)
}

/** A refused row, or a statement that is wrong, is its unit's affair; what ails the database is the store's. */
export function toQueryError(error: unknown): unknown {
  // A fault of ours in binding values is no news about the database.
  if (error instanceof TypeError || error instanceof RangeError) return error
  const state = sqlStateOf(error)
  if (state === UNIQUE_VIOLATION || state === FOREIGN_KEY_VIOLATION)
    return new ConstraintError((error as Error).message, error)
  // Class 22 is a value that does not fit, 23 a rule of a column, 42 a statement that is wrong.
  if (state && /^(22|23|42)/.test(state)) return error
  return isRetryable(error) ? error : toStoreError(error)
}

/** What a failure of the database, or of the way to it, means to whoever runs Usher. */
export function toStoreError(error: unknown, where = 'the database'): StoreError {
  if (error instanceof StoreError) return error
  const { message, code } = error as { message: string; code?: string }
  const state = sqlStateOf(error)
  if (state === undefined) {
    // The pool's only way to say that nobody gave a connection back in time.
    if (message === 'timeout exceeded when trying to connect')
      return new StoreError('busy', `all ${MAX_CONNECTIONS} connections to ${where} are in use`, error)
    return new StoreError('unreachable', `${where} cannot be reached: ${message || code}`, error)
  }
  if (isRetryable(error))
    return new StoreError('busy', `${where} has too many writers at once: ${message}`, error)
  switch (state) {
    case LOCK_NOT_AVAILABLE:
    case '57014':
    case '53300':
      return new StoreError('busy', `${where} is overloaded: ${message}`, error)
    case '53100':
      return new StoreError('full', `${where} cannot grow: its disk is full`, error)
    case '25006':
      return new StoreError('readonly', `${where} cannot be written: it is read-only`, error)
    default:
      return /^(08|57)/.test(state)
        ? new StoreError('unreachable', `${where} cannot be reached: ${message}`, error)
        : new StoreError('failed', `${where} failed: ${message}`, error)
  }
}
