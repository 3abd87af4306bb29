import { newFormats } from '../format.ts'

const { plural } = newFormats('en-GB')

/** The receipt of a removal. */
export const receipt = {
  title: 'Receipt of a removal',
  of: 'User',
  organization: 'Organization',
  deletedAt: 'Deleted',
  erasedAt: 'Personal values erased',
  onlyAccount: 'The user remains; their account was removed.',
  request: 'Request',
  operation: 'What was done',
  at: 'When',
  by: 'By',
  accounts: 'Storage accounts',
  noAccounts: 'The user had no storage account.',
  platform: 'Platform',
  canonicalId: 'Canonical id',
  state: 'State',
  states: { kept: 'kept', removing: 'being removed', removed: 'removed' },
  toldAt: 'Told to go',
  goneAt: 'Read back and absent',
  notYet: 'not yet',
  data: 'Data',
  purged: 'deleted with the account',
  kept: 'kept',
  keys: 'Keys',
  keysGone: (gone: number, left: number) =>
    `${gone} ${plural(gone, 'key', 'keys')} removed${left > 0 ? `, ${left} left` : ''}`,
  fails: 'Fails',
  proof: 'Proof in the audit log',
  hash: 'Hash of the entry',
  block: 'Block',
  notSealed: 'not sealed yet: look again in a minute',
  print: 'Print',
  printed: (at: string, by: string) => `Printed ${at} by ${by}`,
  none: 'There is no receipt: neither the user nor their account was removed.',
  back: 'To the user',
}
