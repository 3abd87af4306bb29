import { ConstraintError, StoreError } from '../port.ts'

const SQLITE_UNIQUE = 2067
const SQLITE_PRIMARY_KEY = 1555
const SQLITE_FOREIGN_KEY = 787
/** Errors of a statement: SQLITE_ERROR, _TOOBIG, _CONSTRAINT, _MISMATCH, _MISUSE, _RANGE. */
const UNIT_FAULTS: ReadonlySet<number> = new Set([1, 18, 19, 20, 21, 25])

/**
 * Converts an error of a statement: faults of the file or disk become a `StoreError`, refused rows a `ConstraintError`.
 */
export function toQueryError(error: unknown): Error {
  const { errcode } = error as { errcode?: number }
  if (errcode === SQLITE_UNIQUE || errcode === SQLITE_PRIMARY_KEY || errcode === SQLITE_FOREIGN_KEY) {
    return new ConstraintError((error as Error).message, error)
  }
  const isUnitFault = errcode === undefined || UNIT_FAULTS.has(errcode & 0xff)
  return isUnitFault ? (error as Error) : toStoreError(error)
}

/** Converts a failure of SQLite or of the file to an error with a message for the operator. */
export function toStoreError(error: unknown, path = 'the store'): StoreError {
  if (error instanceof StoreError) return error
  const { errcode, code, message } = error as { errcode?: number; code?: string; message: string }
  if (code === 'ENOENT') return new StoreError('missing', `${path} cannot be opened: ${message}`, error)
  switch ((errcode ?? 0) & 0xff) {
    case 5:
    case 6:
      return new StoreError('busy', `${path} is locked by another process`, error)
    case 8:
      return new StoreError('readonly', `${path} cannot be written: it is read-only`, error)
    case 11:
      return new StoreError(
        'damaged',
        `${path} is damaged: ${message}. Put a backup in place with usher restore FILE`,
        error,
      )
    case 13:
      return new StoreError('full', `${path} cannot grow: the disk is full`, error)
    case 14:
      return new StoreError('missing', `${path} cannot be opened: ${message}`, error)
    case 26:
      return new StoreError('not_a_store', `${path} is not a SQLite file`, error)
    default:
      return new StoreError('failed', `${path} failed: ${message}`, error)
  }
}

/** A commit could not be synced, so what is on disk is unknown, and nothing may be written any more. */
export class UnsyncedError extends StoreError {
  constructor(path: string, cause: Error) {
    super('failed', `${path} could not be synced: ${cause.message}`, cause)
    this.name = 'UnsyncedError'
  }
}
