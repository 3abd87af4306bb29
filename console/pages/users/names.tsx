import type { AccountWord } from '../../../src/model/user-lists.ts'
import { Status, type StatusLook } from '../../kit/status.tsx'
import { type Text, useText } from '../../text/text.ts'

interface Named {
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
}

/** Returns what people call a user: the names, else the e-mail address. */
export function nameOf({ firstName, lastName, email }: Named, text: Text): string {
  return [firstName, lastName].filter(Boolean).join(' ') || email || text.users.withoutName
}

const LOOKS: Readonly<Record<AccountWord, StatusLook>> = {
  none: 'none',
  applied: 'good',
  suspended: 'off',
  waiting: 'waiting',
  failing: 'failing',
  parked: 'parked',
}

/** The state of a storage account in one word. */
export function AccountStatus({ word }: { word: AccountWord }) {
  const { users } = useText()
  return <Status look={LOOKS[word]}>{users.accountWords[word]}</Status>
}
