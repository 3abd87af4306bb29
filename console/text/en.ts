import { common } from './en/common.ts'
import { explain } from './en/explain.ts'
import { form, issues } from './en/form.ts'
import { shell } from './en/shell.ts'
import { signIn } from './en/sign-in.ts'
import { users } from './en/users.ts'
import { newFormats } from './format.ts'

/** The English texts. Every other language has the same members, or it does not compile. */
export const en = {
  language: 'en',
  format: newFormats('en-GB'),
  ...common,
  explain,
  form,
  issues,
  shell,
  signIn,
  users,
}

export type Text = Omit<typeof en, 'language'> & { language: string }
