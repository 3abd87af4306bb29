import type { SignInProblem } from '../../../src/api/console/contract.ts'

/** Signing in, and entering by a link. */
export const signIn = {
  title: 'Sign in',
  enterTitle: 'Enter',
  with: (issuer: string) => `Sign in with ${issuer}`,
  orLink: 'Or enter by a one-time link: an administrator makes one, and so does',
  byLink: 'Enter by a one-time link: an administrator makes one, and so does',
  command: 'usher console link',
  enterText: 'This link lets you enter the console once.',
  whoText: 'Say who you are, please.',
  enter: 'Enter',
  entering: 'Entering…',
  firstName: 'First name',
  lastName: 'Last name',
  email: 'E-mail address',
  noToken: 'The link is incomplete: open it again, whole.',
  goOnText: 'You are signed in. You can close this tab, and go on in the other one.',
  problems: {
    cancelled: 'You did not finish signing in. Try again.',
    expired: 'Signing in took more than 10 minutes, or began in another browser. Try again.',
    unavailable: 'The sign-in service cannot be reached. Try again later, or enter by a one-time link.',
    failed:
      'The sign-in service sent a response that Usher cannot accept. Try again; the log of the server has the reason.',
    person_not_found:
      'No user of the provider or of a reseller is known by your e-mail address. Ask an administrator to add you, or for a one-time link.',
    person_not_permitted:
      'You may not enter the console: that takes the group Administrator or Viewer, and a user who is not suspended. Ask an administrator.',
    email_not_verified:
      'The sign-in service has not verified your e-mail address. Ask an administrator for a one-time link, enter by it, and connect your sign-in there.',
    busy: 'Usher cannot sign you in at the moment. Try again in a minute.',
  } satisfies Record<SignInProblem, string> as Record<SignInProblem, string>,
}
