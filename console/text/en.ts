import { audit } from './en/audit.ts'
import * as codes from './en/codes.ts'
import { common } from './en/common.ts'
import { explain } from './en/explain.ts'
import { finder } from './en/finder.ts'
import { form, issues } from './en/form.ts'
import { organizations } from './en/organizations.ts'
import { receipt } from './en/receipt.ts'
import { shell } from './en/shell.ts'
import { signIn } from './en/sign-in.ts'
import { timeline } from './en/timeline.ts'
import { user } from './en/user.ts'
import { userForm } from './en/user-form.ts'
import { users } from './en/users.ts'
import { you } from './en/you.ts'
import { newFormats } from './format.ts'

/** The English texts. Every other language has the same members, or it does not compile. */
export const en = {
  language: 'en',
  format: newFormats('en-GB'),
  ...common,
  ...codes,
  explain,
  form,
  issues,
  audit,
  finder,
  organizations,
  shell,
  signIn,
  receipt,
  timeline,
  user,
  userForm,
  users,
  you,
}

export type Text = Omit<typeof en, 'language'> & { language: string }
