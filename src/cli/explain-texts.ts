import type { CauseCode } from '../model/causes.ts'
import type { NextCode, NextParams, ReasonParams, StepCode, UNSEEN } from '../model/explain.ts'
import { quoteWord } from './pages.ts'

// The English texts of explanations. A new code does not compile without one. The console has the same words for steps
// and causes: `test/console/texts.test.ts` compares them.

/** What each step says when it holds. */
export const STEP_TEXTS: Readonly<Record<StepCode, string>> = {
  user_exists: 'In the directory, and not deleted',
  user_active: 'The user is not suspended',
  organization_active: 'Their organization is not suspended',
  tenant_exists: 'The customer has a place on the storage platform',
  org_mapped: 'A Cloud Director organization is mapped to it',
  account_exists: 'The user has a storage account',
  account_active: 'The account is not suspended',
  platform_configured: 'Usher has the settings of the platform',
  platform_well: 'The platform works',
  applied: 'What is recorded is on the platform',
  key_exists: 'The account has an enabled key',
  key_opens: 'The secrets of the enabled keys can be opened',
  platform_agrees: 'The platform still has what Usher wrote',
  quota_left: 'The quota has room',
  request_known: 'The request is in the audit log',
  request_permitted: 'The caller was allowed to make it',
  request_accepted: 'Its content was accepted',
  request_applied: 'The platform has what it changed',
  caller_known: 'The caller exists',
  caller_active: 'The caller and its organization are active',
  caller_has_role: 'The person is in a group that gives access',
  portal_in_context: 'The portal is one of the caller',
  operation_permitted: 'The caller may run the operation',
  target_known: 'The thing exists',
  target_in_reach: 'The thing is within reach of the caller',
}

/** Why a call to a platform failed, for first-line support. */
export const CAUSE_TEXTS: Readonly<Record<CauseCode, string>> = {
  unreachable: 'nothing responds at the address of the platform',
  certificate: 'the certificate of the platform is not trusted',
  late: 'the platform did not respond in time',
  refused: 'the platform refuses the call',
  bad_response: 'the platform responds in a form that Usher does not know',
  not_configured: 'this Usher has no settings of the platform',
  wrong_cluster: 'the address leads to another cluster than the one that has the accounts',
  key_taken: 'another user of the platform has one of the keys',
  changed_elsewhere: 'another program keeps changing the account',
  still_there: 'the platform still has the account after its removal',
  data_left: 'the account owns data, and was to be removed without it',
  master_key: 'the secret of a key cannot be opened with the master keys of this Usher',
  store: 'Usher’s own store failed',
  other: 'the platform could not be brought up to date',
}

/** What Usher cannot see. */
export const UNSEEN_TEXTS: Readonly<Record<(typeof UNSEEN)[number], string>> = {
  bucket_policies: 'policies and permissions of the bucket',
  client_clock: 'the clock of the client: S3 refuses requests that are 15 minutes off',
  endpoint_and_region: 'the endpoint and the region in the settings of the client',
}

type Texts<Params> = { readonly [Code in keyof Params]: (params: Params[Code]) => string }

const byWhom = ({ at, by }: { readonly at: string | null; readonly by: string | null }): string =>
  `${at === null ? '' : ` at ${at}`}${by === null ? '' : ` by ${by === 'operator' ? 'the command line' : by}`}`
const causeOf = ({ cause, error }: Pick<ReasonParams['failing'], 'cause' | 'error'>): string => {
  const text = cause === null ? 'the reason is not known' : CAUSE_TEXTS[cause]
  return error === null
    ? `${text}${cause === null ? '' : ` (${cause})`}`
    : `${text} (${cause ?? 'other'}: ${error})`
}
const listOf = (words: readonly string[]): string => words.join(' or ')

/** Why a step does not hold. */
export const REASON_TEXTS: Texts<ReasonParams> = {
  user_deleted: (done) =>
    `The user was deleted${byWhom(done)}. Their keys do not work; their account is removed.`,
  user_erased: ({ at }) => `The person was erased at ${at}. That cannot be undone.`,
  user_suspended: (done) =>
    `The user was suspended${byWhom(done)}. Their keys do not work until they are resumed.`,
  organization_deleted: () => 'The customer was deleted. Its users, accounts and clients do not work.',
  organization_suspended: (done) =>
    `The customer was suspended${byWhom(done)}. No key of its users works until it is resumed.`,
  no_tenant: ({ customer }) =>
    `The customer ${customer} has no place on the storage platform, so its users have no storage.`,
  no_org: ({ tenantId }) =>
    `No Cloud Director organization is mapped to the tenant ${tenantId}, so Cloud Director cannot ask for an account.`,
  not_named: () =>
    'Cloud Director has not asked for an account of this user. It does when the person first opens Object Storage.',
  not_given: () =>
    'Everyone of the customer gets an account, but this user has none yet: a job gives it, or an earlier removal is not finished.',
  being_removed: ({ since, purge }) =>
    `The account is being removed${purge ? ' with its data' : ''} since ${since}.`,
  account_removed: ({ since }) => `The account was removed at ${since}.`,
  account_suspended: (done) => `The account itself was suspended${byWhom(done)}. The user is not suspended.`,
  not_configured: ({ platform }) => `The account lives on ${platform}, and this Usher has no settings of it.`,
  platform_ill: ({ platform, health, reason }) =>
    `The platform ${platform} reports ${health}${reason === null ? '' : `: ${reason}`}.`,
  health_not_known: ({ platform }) => `The health of ${platform} is not known at the moment.`,
  waiting: ({ since }) =>
    `A change of ${since} is recorded, and is not on the platform yet. Usher applies it within seconds.`,
  failing: (params) =>
    `A change of ${params.since} is recorded, but not on the platform: ${causeOf(params)}. ` +
    `Usher has tried ${params.attempts} times, and tries again at ${params.nextAt}.`,
  parked: (params) =>
    `A change of ${params.since} is recorded, but not on the platform: ${causeOf(params)}. ` +
    'Usher has tried so often on a healthy platform that it now tries only once an hour.',
  no_key: () => 'The account has no key.',
  keys_disabled: ({ keys }) => `All keys of the account (${keys}) are disabled.`,
  secret_lost: ({ accessKey, lost }) =>
    `The secret of the key ${accessKey}${lost > 1 ? ` and of ${lost - 1} more` : ''} cannot be opened, so Usher cannot restore it on the platform.`,
  drift: ({ kinds }) => `The platform has something else than Usher wrote: ${kinds.join(', ')}.`,
  not_compared: ({ error }) =>
    `The account could not be read from the platform${error === null ? '' : `: ${error}`}.`,
  quota_used: ({ usedBytes, quotaBytes }) =>
    `${usedBytes} of ${quotaBytes} bytes are used: the quota is full.`,
  not_recorded: ({ correlationId }) =>
    `The audit log has nothing with the correlation id ${correlationId} that you may see. The log has changes, refused ` +
    'calls and reads of secrets; not other reads, and not calls without valid credentials.',
  refused: ({ operation, code }) => `${operation} was refused: ${code}. Nothing was changed.`,
  not_applied: ({ waiting, failed }) =>
    `It is recorded, but not on the platform yet: ${waiting} ${waiting === 1 ? 'change waits' : 'changes wait'}, ${failed} failed too often.`,
  caller_not_found: ({ id }) => `There is no client and no user with the id ${id} that you may see.`,
  caller_suspended: ({ organization }) =>
    `The caller was suspended or deleted, or its organization ${organization} is suspended.`,
  person_cannot_enter: ({ kind }) =>
    `People of a ${kind} cannot sign in to Usher: only those of the provider and of resellers can.`,
  person_without_role: ({ groups }) =>
    `Only Administrators and Viewers may sign in. The person is in ${groups.length === 0 ? 'no group' : groups.join(', ')}.`,
  portal_refused: ({ portal }) => `The portal ${portal} does not exist, or is none that the caller may use.`,
  permission: ({ has, needed }) =>
    `The caller has the permission ${has}; the operation needs ${listOf(needed)}.`,
  organization_kind: ({ has, needed }) =>
    `The caller acts for a ${has}; only callers of a ${listOf(needed)} may run the operation.`,
  caller_kind: ({ has, needed }) =>
    `No ${has} may run the operation: only ${listOf(needed.map((one) => `a ${one}`))} may.`,
  target_not_found: ({ id }) => `Nothing is called ${id} that you may see.`,
  other_organization: ({ organization }) =>
    `It belongs to ${organization}, which is not below the organization that the caller acts for. For the caller it does not exist.`,
  not_related: ({ customer, reseller }) =>
    `It belongs to the customer ${customer}, which has no relation to ${reseller}. For the caller it does not exist.`,
  other_context: ({ customer }) =>
    `The user of ${customer} is in the context of another reseller. For the caller they do not exist.`,
}

/** What can be done next. */
export const NEXT_TEXTS: Texts<NextParams> = {
  restore_user: () => 'Restore the user',
  add_user: () => 'Add the person as a new user',
  resume_user: () => 'Resume the user',
  resume_customer: () => 'Resume the customer',
  add_tenant: () => 'Give the customer a place on the platform, with accounts for everyone',
  map_org: () =>
    'Open Object Storage for the organization in Cloud Director: it maps the organization to the tenant',
  give_account: () => 'Give the user an account without Cloud Director',
  resume_account: () => 'Resume the account',
  retry_account: () => 'Let the server try again now',
  mend_account: () => 'Bring the account on the platform back to what Usher has',
  add_key: () => 'Give the user another key',
  enable_key: () => 'Enable the key',
  delete_key: () => 'Delete the key that cannot be opened',
  join_group: () => 'Put the person into the group Administrator or Viewer',
  relate_customer: () => 'Relate the customer to the reseller',
  add_client: ({ permission }) => `Make a client with the permission ${permission}`,
  explain_user: () => 'See what became of the user',
  explain_access: () => 'See why the caller may not',
  open_storage: () => 'Let the person open Object Storage in Cloud Director once',
  wait: ({ until }) => `Wait${until === null ? '' : ` until ${until}`}, then look again`,
  set_up_platform: () =>
    'Give this Usher the settings of the platform (USHER_CEPH_RGW_…), and start it again',
  mend_platform: () => 'Mend what the platform reports; Usher then applies what waits by itself',
  free_space: () => 'Let the person delete objects, or raise the quota on the platform',
  correct_request: ({ code }) => `Let the caller correct the request (${code}) and send it again`,
  look_at_log: () => 'Read the entries of the request',
  ask_administrator: ({ step }) => `Ask an administrator of your organization to ${toWords(step)}`,
  ask_provider: ({ step }) => `Ask the provider to ${toWords(step)}`,
  ask_operator: ({ step }) => `Ask the people who operate Usher to ${toWords(step)}`,
}

/** The codes of next steps are imperatives: `restore_user`. */
function toWords(step: NextCode): string {
  return step.replaceAll('_', ' ')
}

/** The command that takes each next step; null for one that is not taken at the command line. */
export const NEXT_COMMANDS: { readonly [Code in NextCode]: ((params: NextParams[Code]) => string) | null } = {
  restore_user: ({ userId }) => `usher user restore ${userId}`,
  add_user: ({ organizationId }) => `usher user add --organization ${organizationId} --email ADDRESS`,
  resume_user: ({ userId }) => `usher user resume ${userId}`,
  resume_customer: ({ organizationId }) => `usher organization resume ${organizationId}`,
  add_tenant: ({ organizationId }) => `usher tenant create --customer ${organizationId} --accounts everyone`,
  map_org: null,
  give_account: ({ userId }) => `usher account add ${userId}`,
  resume_account: ({ userId }) => `usher account resume ${userId}`,
  retry_account: ({ userId }) => `usher platform retry --user ${userId}`,
  mend_account: ({ userId }) => `usher account check ${userId} --fix`,
  add_key: ({ userId }) => `usher credential add ${userId}`,
  enable_key: ({ userId, accessKey }) => `usher credential enable ${userId} ${quoteWord(accessKey)}`,
  delete_key: ({ userId, accessKey }) => `usher credential remove ${userId} ${quoteWord(accessKey)}`,
  join_group: ({ userId }) => `usher user change ${userId} --group Viewer`,
  relate_customer: ({ organizationId, resellerId }) =>
    `usher organization relate ${organizationId} --reseller ${resellerId}`,
  add_client: ({ organizationId, permission }) =>
    `usher client add --organization ${organizationId} --permission ${permission} --name NAME`,
  explain_user: ({ userId }) => `usher explain user ${quoteWord(userId)}`,
  explain_access: ({ caller, operation }) =>
    `usher explain access --caller ${caller} --operation ${operation}`,
  open_storage: null,
  wait: null,
  set_up_platform: null,
  mend_platform: null,
  free_space: null,
  correct_request: null,
  look_at_log: ({ correlationId }) => `usher audit list --correlation-id ${correlationId}`,
  ask_administrator: null,
  ask_provider: null,
  ask_operator: null,
}
