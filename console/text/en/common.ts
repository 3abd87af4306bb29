/** What many pages say. */
export const common = {
  loading: 'Loading…',
  tryAgain: 'Try again',
  triesAgainIn: (seconds: number) => `Tries again in ${seconds} s.`,
  correlationId: 'Correlation id',
  copy: 'Copy',
  copied: 'Copied',
  close: 'Close',
  cancel: 'Cancel',
  done: 'Done',
  save: 'Save',
  undo: 'Undo',
  undone: 'Undone.',
  typeTheName: 'Type the name first.',
  clear: 'Clear',
  none: 'none',
  any: 'any',
  yes: 'yes',
  no: 'no',
  /** By the status of the response; 0: the server cannot be reached; -1: the page itself failed. */
  failures: {
    [-1]: 'This page has a fault.',
    0: 'Usher cannot be reached.',
    400: 'Usher refuses this.',
    401: 'You are signed out.',
    403: 'You may not do this.',
    404: 'There is nothing with this id, or it is not within your reach.',
    409: 'This is not possible as things are.',
    412: 'Another person has changed this meanwhile.',
    413: 'This is too large.',
    421: 'The console is not served at this address.',
    429: 'These are too many requests.',
    503: 'Usher cannot do this at the moment.',
    other: 'Usher has a fault.',
  } as Record<number, string> & { other: string },
  /** Marks the sentence of the server, in English. */
  serverSays: '',
  mayNot: (role: 'administrator' | 'viewer'): string =>
    role === 'viewer'
      ? 'A viewer may not do this: ask an administrator.'
      : 'Your organization may not do this: ask the provider.',
  lookedAt: 'Usher has looked at the first matches.',
  goOn: 'Go on',
  kinds: { provider: 'provider', reseller: 'reseller', customer: 'customer' },
  roles: { administrator: 'Administrator', viewer: 'Viewer' },
}
