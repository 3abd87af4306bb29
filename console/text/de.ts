import { audit } from './de/audit.ts'
import * as codes from './de/codes.ts'
import { common } from './de/common.ts'
import { explain } from './de/explain.ts'
import { finder } from './de/finder.ts'
import { form, issues } from './de/form.ts'
import { organizations } from './de/organizations.ts'
import { receipt } from './de/receipt.ts'
import { shell } from './de/shell.ts'
import { signIn } from './de/sign-in.ts'
import { timeline } from './de/timeline.ts'
import { user } from './de/user.ts'
import { userForm } from './de/user-form.ts'
import { users } from './de/users.ts'
import { you } from './de/you.ts'
import type { Text } from './en.ts'
import { newFormats } from './format.ts'

/** The German texts. They say *Sie*, and assume no one's sex. */
export const de: Text = {
  language: 'de',
  format: newFormats('de-DE'),
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
