import { CREATE_ACCOUNTS } from '../accounts-job.ts'
import { FOLLOW_ORGANIZATION } from '../following.ts'
import { VERIFY_AUDIT } from '../verification.ts'
import { DELETE_CUSTOMER } from './delete-customer.ts'
import { DELETE_RESELLER } from './delete-reseller.ts'
import type { AnyJobKind } from './kind.ts'

/** The kinds of jobs that a server runs. A kind that needs files of the command line is run by the command alone. */
export const JOB_KINDS: readonly AnyJobKind[] = [
  CREATE_ACCOUNTS,
  FOLLOW_ORGANIZATION,
  DELETE_CUSTOMER,
  DELETE_RESELLER,
  VERIFY_AUDIT,
]
