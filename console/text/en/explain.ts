import type { CauseCode } from '../../../src/model/causes.ts'
import type { NextCode, NextParams, ReasonParams, StepCode, UNSEEN } from '../../../src/model/explain.ts'
import { newFormats } from '../format.ts'
import { callerKinds, drift, health as healthWords, operations, outcomes, permissions } from './codes.ts'
import { common } from './common.ts'

const { time, bytes, list, plural } = newFormats('en-GB')
const { kinds } = common

type Texts<Params> = { readonly [Code in keyof Params]: (params: Params[Code]) => string }

interface Done {
  readonly at: string | null
  readonly by: string | null
}

/** ` on 3 Mar 2026, 10:12 by Kim Winter`, as far as it is known. */
const byWhom = ({ at, by }: Done): string =>
  `${at === null ? '' : ` on ${time(at)}`}${by === null ? '' : ` by ${by === 'operator' ? 'the command line' : by}`}`

const or = (words: readonly string[]): string => words.join(' or ')

/** What the platform, or the program that reached for it, said: in its own words, and marked as such. */
const platformSaid = (cause: CauseCode | null, error: string): string =>
  `${cause === 'refused' || cause === 'bad_response' ? 'The platform responded' : 'Technical message'}: “${error}”`

const causes = {
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
} satisfies Record<CauseCode, string> as Record<CauseCode, string>

const words = {
  restore_user: 'restore the user',
  add_user: 'add the person as a new user',
  resume_user: 'resume the user',
  resume_customer: 'resume the customer',
  add_tenant: 'give the customer a place on the platform',
  map_org: 'map the Cloud Director organization to the tenant',
  give_account: 'give the user an account',
  resume_account: 'resume the account',
  retry_account: 'try again now',
  mend_account: 'mend the account',
  add_key: 'give the user another key',
  enable_key: 'enable the key',
  delete_key: 'delete the key that cannot be opened',
  join_group: 'put the person into the group Administrator or Viewer',
  relate_customer: 'relate the customer to the reseller',
  add_client: 'make a client',
  explain_user: 'see what became of the user',
  explain_access: 'see why the caller may not',
  open_storage: 'open Object Storage in Cloud Director once',
  wait: 'wait',
  set_up_platform: 'give Usher the settings of the platform',
  mend_platform: 'mend the platform',
  free_space: 'make room on the platform',
  correct_request: 'correct the request',
  look_at_log: 'read the entries of the request',
  ask_administrator: 'ask an administrator',
  ask_provider: 'ask the provider',
  ask_operator: 'ask the operators',
} satisfies Record<NextCode, string> as Record<NextCode, string>

/** Why something works or does not. The command line says the same, see `src/cli/explain-texts.ts`. */
export const explain = {
  why: 'Why',
  states: { yes: 'yes', no: 'no', unknown: 'not known', not_needed: 'not needed' },
  notKnownYet: 'not known until the step above',
  notAsked: 'not asked yet',
  allWell: 'Everything that Usher can see is in order',
  causeTitle: 'Cause',
  whatToDo: 'What to do',
  unseenTitle: 'Usher cannot see',
  s3Url: 'URL of the S3 service',
  steps: {
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
  } satisfies Record<StepCode, string> as Record<StepCode, string>,
  /** The title of the cause, by the first step that does not hold. */
  failed: {
    user_exists: 'This user is deleted.',
    user_active: 'This user is suspended.',
    organization_active: 'The organization of this user does not work.',
    tenant_exists: 'The customer has no place on the storage platform.',
    org_mapped: 'No Cloud Director organization is mapped to the tenant.',
    account_exists: 'This user has no storage account.',
    account_active: 'The storage account is suspended.',
    platform_configured: 'The storage account cannot be reached: Usher lacks the settings of its platform.',
    platform_well: 'The storage platform does not work.',
    applied: 'The storage account is not on the platform as it should be.',
    key_exists: 'The storage account has no key that works.',
    key_opens: 'The secret of a key is lost.',
    platform_agrees: 'The platform has something else than Usher wrote.',
    quota_left: 'The quota is full.',
    request_known: 'This request is not in the audit log.',
    request_permitted: 'The caller was not allowed to do this.',
    request_accepted: 'The request was refused.',
    request_applied: 'The change is recorded, and not on the platform.',
    caller_known: 'There is no such caller.',
    caller_active: 'The caller does not work.',
    caller_has_role: 'The person may not enter.',
    portal_in_context: 'The caller may not use the portal.',
    operation_permitted: 'The caller may not run the operation.',
    target_known: 'There is no such thing.',
    target_in_reach: 'The thing is out of reach of the caller.',
  } satisfies Record<StepCode, string> as Record<StepCode, string>,
  platformSaid,
  notApplied: (cause: string) => `The storage account is not on the platform: ${cause}.`,
  waits: 'A change is on its way to the platform.',
  causes,
  reasons: {
    user_deleted: (done) =>
      `The user was deleted${byWhom(done)}. Their keys do not work, and their account is removed from the platform.`,
    user_erased: ({ at }) => `The person was erased on ${time(at)}. That cannot be undone.`,
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
      `The account is being removed${purge ? ' with its data' : ''} since ${time(since)}.`,
    account_removed: ({ since }) => `The account was removed on ${time(since)}.`,
    account_suspended: (done) =>
      `The account itself was suspended${byWhom(done)}. The user is not suspended.`,
    not_configured: ({ platform }) =>
      `The account lives on ${platform}, and this Usher has no settings of it.`,
    platform_ill: ({ platform, health, reason }) =>
      `The platform ${platform} reports ${healthWords[health]}.${reason === null ? '' : ` ${platformSaid(null, reason)}.`} Changes are recorded meanwhile, and reach it when it works again.`,
    health_not_known: ({ platform }) => `The health of ${platform} is not known at the moment.`,
    waiting: ({ since }) =>
      `A change of ${time(since)} is recorded, and is not on the platform yet. Usher applies it within seconds.`,
    failing: ({ since, attempts, cause, error, nextAt }) =>
      `A change of ${time(since)} is recorded, but not on the platform, which keeps what it had until then.${error === null ? '' : ` ${platformSaid(cause, error)}.`} ` +
      `Usher has tried ${attempts} ${plural(attempts, 'time', 'times')}, and tries again at ${time(nextAt)}.`,
    parked: ({ since, attempts, cause, error, nextAt }) =>
      `A change of ${time(since)} is recorded, but not on the platform, which keeps what it had until then.${error === null ? '' : ` ${platformSaid(cause, error)}.`} ` +
      `Usher has tried ${attempts} ${plural(attempts, 'time', 'times')} while the platform was well, so it now tries once an hour: next at ${time(nextAt)}.`,
    no_key: () => 'The account has no key, so no program can use it.',
    keys_disabled: ({ keys }) =>
      keys === 1
        ? 'The only key of the account is disabled.'
        : `All ${keys} keys of the account are disabled.`,
    secret_lost: ({ accessKey, lost }) =>
      `The secret of the key ${accessKey}${lost > 1 ? ` and of ${lost - 1} more` : ''} cannot be opened, so Usher cannot restore it on the platform.`,
    drift: (found) =>
      `The platform has something else than Usher wrote: ${list(found.kinds.map((kind) => `${drift[kind]} (${kind})`))}.`,
    not_compared: ({ error }) =>
      `The account could not be read from the platform.${error === null ? '' : ` ${platformSaid(null, error)}.`}`,
    quota_used: ({ usedBytes, quotaBytes }) => `${bytes(usedBytes)} of ${bytes(quotaBytes)} are used.`,
    not_recorded: ({ correlationId }) =>
      `The audit log has nothing with the correlation id ${correlationId} that you may see. The log has changes, refused ` +
      'calls and reads of secrets; not other reads, and not calls without valid credentials.',
    refused: ({ operation, code }) =>
      `“${operations[operation]}” was refused: ${outcomes[code]} (${code}). Nothing was changed.`,
    not_applied: ({ waiting, failed }) =>
      `It is recorded, but not on the platform yet: ${waiting} ${plural(waiting, 'change waits', 'changes wait')}, ${failed} failed too often.`,
    caller_not_found: ({ id }) => `There is no client and no user with the id ${id} that you may see.`,
    caller_suspended: ({ organization }) =>
      `The caller was suspended or deleted, or its organization ${organization} is suspended.`,
    person_cannot_enter: ({ kind }) =>
      `People of a ${kinds[kind]} cannot sign in to Usher: only those of the provider and of resellers can.`,
    person_without_role: ({ groups }) =>
      `Only Administrators and Viewers may sign in. The person is in ${groups.length === 0 ? 'no group' : list(groups)}.`,
    portal_refused: ({ portal }) =>
      `The portal ${portal} does not exist, or is none that the caller may use.`,
    permission: ({ has, needed }) =>
      `The caller has the permission ${permissions[has]}; the operation needs ${or(needed.map((one) => permissions[one]))}.`,
    organization_kind: ({ has, needed }) =>
      `The caller acts for a ${kinds[has]}; only callers of a ${or(needed.map((one) => kinds[one]))} may run the operation.`,
    caller_kind: ({ has, needed }) =>
      `The operation is not for this kind of caller (${callerKinds[has]}), only for: ${or(needed.map((one) => callerKinds[one]))}.`,
    target_not_found: ({ id }) => `Nothing is called ${id} that you may see.`,
    other_organization: ({ organization }) =>
      `It belongs to ${organization}, which is not below the organization that the caller acts for. For the caller it does not exist.`,
    not_related: ({ customer, reseller }) =>
      `It belongs to the customer ${customer}, which has no relation to ${reseller}. For the caller it does not exist.`,
    other_context: ({ customer }) =>
      `The user of ${customer} is in the context of another reseller. For the caller they do not exist.`,
  } satisfies Texts<ReasonParams> as Texts<ReasonParams>,
  /** What can be done next: the words of a button where the console does it, else a sentence. */
  next: {
    restore_user: () => 'Restore the user',
    add_user: () => 'Add the person as a new user',
    resume_user: () => 'Resume the user',
    resume_customer: () => 'Resume the customer',
    add_tenant: () =>
      'Give the customer a place on the platform, with accounts for everyone: at the command line, “usher tenant create”.',
    map_org: () =>
      'Open Object Storage for the organization in Cloud Director: it maps the organization to the tenant.',
    give_account: () => 'Give the user an account',
    resume_account: () => 'Resume the account',
    retry_account: () => 'Try again now',
    mend_account: () => 'Mend',
    add_key: () => 'New key',
    enable_key: ({ accessKey }) => `Enable the key ${accessKey}`,
    delete_key: ({ accessKey }) => `Delete the key ${accessKey}`,
    join_group: () => 'Put the person into the group Administrator or Viewer',
    relate_customer: () => 'Relate the customer to the reseller',
    add_client: ({ permission }) => `Make a client with the permission ${permissions[permission]}`,
    explain_user: () => 'See what became of the user',
    explain_access: () => 'See why the caller may not: at the command line, “usher explain access”.',
    open_storage: () => 'Let the person open Object Storage in Cloud Director once: it asks for the account.',
    wait: ({ until }) => `Wait${until === null ? '' : ` until ${time(until)}`}, then look again.`,
    set_up_platform: () =>
      'Give this Usher the settings of the platform (USHER_CEPH_RGW_…), and start it again.',
    mend_platform: () => 'Mend what the platform reports; Usher then applies what waits by itself.',
    free_space: () => 'Let the person delete objects, or raise the quota on the platform.',
    correct_request: ({ code }) =>
      `Let the caller correct the request and send it again: ${outcomes[code]} (${code}).`,
    look_at_log: () => 'Read the entries of the request',
    ask_administrator: ({ step }) =>
      `You may only look. Ask an administrator of your organization to ${words[step]}.`,
    ask_provider: ({ step }) => `Ask the provider to ${words[step]}.`,
    ask_operator: ({ step }) => `Ask the people who operate Usher to ${words[step]}.`,
  } satisfies Texts<NextParams> as Texts<NextParams>,
  unseen: {
    bucket_policies: 'policies and permissions of the bucket',
    client_clock: 'the clock of the client: S3 refuses requests that are 15 minutes off',
    endpoint_and_region: 'the endpoint and the region in the settings of the client',
  } satisfies Record<(typeof UNSEEN)[number], string> as Record<(typeof UNSEEN)[number], string>,
}
