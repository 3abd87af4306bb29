import type { KeptOutcome } from '../../../src/model/attempts.ts'
import type { Operation } from '../../../src/model/audit.ts'
import type { TimelineKind } from '../../../src/model/timelines.ts'
import { newFormats } from '../format.ts'

const { plural, time } = newFormats('en-GB')

/** What happened to a user. */
export const timeline = {
  title: 'Timeline',
  show: 'Show',
  everything: 'Everything',
  kinds: {
    changes: 'Changes',
    platform: 'Platform calls',
    refusals: 'Refusals',
    reads: 'Reads of secrets',
  } satisfies Record<TimelineKind, string> as Record<TimelineKind, string>,
  more: 'Show older',
  empty: 'Nothing is kept here.',
  emptyText: 'The user was created before attempts and changes were kept, or nothing of this kind happened.',
  by: (kind: 'client' | 'person' | 'operator', name: string | null) =>
    kind === 'operator'
      ? 'by the command line'
      : `by ${kind === 'client' ? 'the client ' : ''}${name ?? '(not known)'}`,
  request: 'Request',
  refused: 'refused',
  recorded: 'recorded',
  recordedOnly: 'recorded, not yet on the platform',
  onPlatform: 'recorded and on the platform',
  attempts: {
    applied: 'Brought to the platform',
    failed: 'Attempt failed',
    late: 'No response in time',
    data_left: 'Removal stopped: the account owns data',
  } satisfies Record<KeptOutcome, string> as Record<KeptOutcome, string>,
  times: (count: number, since: string) =>
    count === 1 ? '' : `${count} ${plural(count, 'time', 'times')} since ${time(since)}`,
  node: (node: string) => `node ${node}`,
  /** Members of users, accounts and keys; others stand by their name. */
  members: {
    firstName: 'first name',
    lastName: 'last name',
    email: 'e-mail address',
    groups: 'groups',
    active: 'active',
    enabled: 'account enabled',
    deletedAt: 'deleted',
    tenantId: 'tenant',
    name: 'name',
    suspendedAt: 'suspended since',
    session: 'session',
    method: 'way of signing in',
    expiresAt: 'valid until',
  } as Partial<Record<string, string>>,
  outcomes: {
    repeated: 'repeated: it was so already',
    restored: 'brought back',
    replayed: 'answered from an earlier call',
  } as Partial<Record<string, string>>,
  erased: '(erased)',
  change: (member: string, before: string, after: string) => `${member}: ${before} → ${after}`,
  /** Names of the operations that stand in timelines; others stand by their code. */
  operations: {
    CreateUser: 'User created',
    CreateResellerUser: 'User created',
    CreateProviderUser: 'User created',
    UpdateUser: 'User changed',
    DeleteUser: 'User deleted',
    EraseUser: 'Person erased',
    SuspendUser: 'User suspended',
    ResumeUser: 'User resumed',
    RestoreUser: 'User restored',
    ImportUsers: 'User imported',
    UndoImport: 'Import undone',
    CreateUserAccount: 'Account created',
    UpdateUserAccount: 'Account changed',
    DeleteUserAccount: 'Account removed',
    CreateUserCredential: 'Key created',
    UpdateUserCredential: 'Key changed',
    DeleteUserCredential: 'Key deleted',
    CreateAccount: 'Account created',
    LinkAccount: 'Account created and linked by e-mail',
    UpdateAccount: 'Account changed',
    DeleteAccount: 'Account removed',
    CreateCredential: 'Key created',
    UpdateCredential: 'Key changed',
    DeleteCredential: 'Key deleted',
    RetryUser: 'Tried again by hand',
    RetryAccounts: 'Tried again by hand',
    MendAccount: 'Mended',
    ReapplyAccount: 'Applied again',
    SignIn: 'Signed in',
    SignOut: 'Signed out',
    EndSession: 'Session ended',
    CreateSignInLink: 'One-time link made',
    BindIdentity: 'Sign-in connected',
    GetCredential: 'Secret of a key read',
    ListCredentials: 'Secrets of the keys read',
    QueryCredentials: 'Secrets of the keys read',
  } satisfies Partial<Record<Operation, string>> as Partial<Record<string, string>>,
  refusedOf: (operation: string) => `${operation}: refused`,
}
