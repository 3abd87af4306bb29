import pg from 'pg'
import { ConstraintError, StoreError } from '../port.ts'
import { MAX_CONNECTIONS } from './connection.ts'
import { isWithoutTls } from './tls.ts'

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK = '40P01'
const FEATURE_NOT_SUPPORTED = '0A000'
const NO_SUCH_STATEMENT = '26000'
const LOCK_NOT_AVAILABLE = '55P03'
const UNIQUE_VIOLATION = '23505'
const FOREIGN_KEY_VIOLATION = '23503'

/** Returns the SQLSTATE of an error of the database (PostgreSQL manual, appendix A); undefined for other errors. */
function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/**
 * Returns whether a prepared statement of the connection is outdated: another process has changed the schema, or a
 * proxy has dropped the statement. The unit can succeed on a new connection.
 */
export function isOutdated(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state === NO_SUCH_STATEMENT) return true
  return state === FEATURE_NOT_SUPPORTED && /cached plan/.test((error as Error).message)
}

/**
 * Returns whether a single row may be the reason why a statement for several rows failed: it was refused, or was locked
 * for too long.
 */
export function isOfOneRow(error: unknown): boolean {
  if (!(error instanceof StoreError)) return true
  return isLockTimeout(error.cause)
}

/** Returns whether a user was refused because its organization or its reseller does not exist. */
export function isOwnerMissing(error: unknown): boolean {
  const { cause } = error as { cause?: unknown }
  return sqlStateOf(cause) === FOREIGN_KEY_VIOLATION && (cause as pg.DatabaseError).table === 'users'
}

/** Returns whether a statement waited too long for a lock. */
function isLockTimeout(error: unknown): boolean {
  return sqlStateOf(error) === LOCK_NOT_AVAILABLE
}

/** Returns whether a lock of another session kept a statement from running. */
export function isLockConflict(error: unknown): boolean {
  return isLockTimeout(error) || sqlStateOf(error) === DEADLOCK
}

/** Returns whether the unit was undone for a reason outside of it, so that a retry may succeed. */
export function isRetryable(error: unknown): boolean {
  const state = sqlStateOf(error)
  return state === SERIALIZATION_FAILURE || state === DEADLOCK || isOutdated(error)
}

/** Converts an error of a statement: faults of the database become a `StoreError`, refused rows a `ConstraintError`. */
export function toQueryError(error: unknown): unknown {
  // A mistake of this program in binding values says nothing about the database.
  if (error instanceof TypeError || error instanceof RangeError) return error
  const state = sqlStateOf(error)
  if (state === UNIQUE_VIOLATION || state === FOREIGN_KEY_VIOLATION)
    return new ConstraintError((error as Error).message, error)
  // Class 22 means a value that does not fit, 23 a broken rule of a column, 42 a statement with a mistake.
  if (state && /^(22|23|42)/.test(state)) return error
  return isRetryable(error) ? error : toStoreError(error)
}

const UNNAMED = 'the database'

/**
 * Puts the name of the database into the message of a `StoreError` that has none, because it came from a statement.
 * Returns other errors as they are.
 * @param where from `describeDatabase`
 */
export function nameDatabase(error: unknown, where: string): unknown {
  if (!(error instanceof StoreError) || !error.message.startsWith(`${UNNAMED} `)) return error
  if (error.message.startsWith(where)) return error
  return new StoreError(error.reason, `${where}${error.message.slice(UNNAMED.length)}`, error.cause)
}

/** Converts a failure of the database or the network to an error with a message for the operator. */
export function toStoreError(error: unknown, where = UNNAMED): StoreError {
  if (error instanceof StoreError) return error
  const { message, code } = error as { message: string; code?: string }
  const state = sqlStateOf(error)
  if (state === undefined) {
    // This text is the only sign from the pool that no connection became free in time.
    if (message === 'timeout exceeded when trying to connect')
      return new StoreError('busy', `all ${MAX_CONNECTIONS} connections to ${where} are in use`, error)
    if (message.includes('client password must be a'))
      return new StoreError(
        'failed',
        `${where} asks for a password: write it into the URL, or set PGPASSWORD`,
        error,
      )
    if (isWithoutTls(error))
      return new StoreError('failed', `${where} has no TLS, which sslmode in its URL asks for`, error)
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
