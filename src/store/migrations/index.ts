import { initial } from './0001-initial.ts'
import { severalProcesses } from './0002-several-processes.ts'
import { osis } from './0003-osis.ts'
import { parkedAccounts } from './0004-parked-accounts.ts'
import { totals } from './0005-totals.ts'
import { auditCallers } from './0006-audit-callers.ts'
import { auditAddresses } from './0007-audit-addresses.ts'
import { boundSecrets } from './0008-bound-secrets.ts'
import { orgCustomers } from './0009-org-customers.ts'
import { signingKeyRotation } from './0010-signing-key-rotation.ts'
import { platforms } from './0011-platforms.ts'
import { auditKey } from './0012-audit-key.ts'
import { foldedKeys } from './0013-folded-keys.ts'
import { contents } from './0014-contents.ts'
import { record } from './0015-record.ts'
import { accountStatus } from './0016-account-status.ts'
import { jobs } from './0017-jobs.ts'
import { personKeys } from './0018-person-keys.ts'
import { imports } from './0019-imports.ts'
import { companies } from './0020-companies.ts'
import { clientSecrets } from './0021-client-secrets.ts'
import { webhooks } from './0022-webhooks.ts'
import { auditIndex } from './0023-audit-index.ts'
import { userLists } from './0024-user-lists.ts'
import { attempts } from './0025-attempts.ts'
import { entering } from './0026-entering.ts'
import { userSearch } from './0027-user-search.ts'
import { auditCallersIndex } from './0028-audit-callers-index.ts'
import { userPlaces } from './0029-user-places.ts'
import { blockKeys } from './0030-block-keys.ts'
import { members } from './0031-members.ts'
import { organizationKeys } from './0032-organization-keys.ts'
import { webhookSecrets } from './0033-webhook-secrets.ts'
import { indexedKeys } from './0034-indexed-keys.ts'
import { keysOfDeletedUsers } from './0035-keys-of-deleted-users.ts'
import type { Migration } from './migration.ts'

/** All migrations, in order. */
export const migrations: readonly Migration[] = [
  initial,
  severalProcesses,
  osis,
  parkedAccounts,
  totals,
  auditCallers,
  auditAddresses,
  boundSecrets,
  orgCustomers,
  signingKeyRotation,
  platforms,
  auditKey,
  foldedKeys,
  contents,
  record,
  accountStatus,
  jobs,
  personKeys,
  imports,
  companies,
  clientSecrets,
  webhooks,
  auditIndex,
  userLists,
  attempts,
  entering,
  userSearch,
  auditCallersIndex,
  userPlaces,
  blockKeys,
  members,
  organizationKeys,
  webhookSecrets,
  indexedKeys,
  keysOfDeletedUsers,
]
