import { Link } from '@tanstack/react-router'
import type { AccountWord } from '../../../src/model/user-lists.ts'
import { Breakable } from '../../kit/id.tsx'
import { Status, type StatusLook } from '../../kit/status.tsx'
import { type Text, useText } from '../../text/text.ts'

interface Named {
  readonly firstName: string | null
  readonly lastName: string | null
  readonly email: string | null
}

/** Characters that turn the direction of the text around them. */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g

/**
 * Returns what people call a user: the names, else the e-mail address. Characters that turn the direction of text are
 * left out: a name must not rearrange the words around it.
 */
export function nameOf({ firstName, lastName, email }: Named, text: Text): string {
  const name = [firstName, lastName].filter(Boolean).join(' ').replace(TURNS, '').trim()
  return name || email || text.users.withoutName
}

/** Returns whether a user is called by a name, and not by the e-mail address. */
export function hasNames({ firstName, lastName }: Named): boolean {
  return Boolean(firstName || lastName)
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

interface Placed extends Named {
  readonly organization: { readonly id: string; readonly name: string }
  readonly reseller: { readonly id: string; readonly name: string } | null
}

/** Where a user belongs: the e-mail address, the organization, and the reseller. */
export function Place({ user }: { user: Placed }) {
  const { user: text } = useText()
  const { email, organization, reseller } = user
  const isResellers = reseller === null || reseller.id === organization.id
  return (
    <>
      {email && hasNames(user) && (
        <>
          <Breakable>{email}</Breakable> ·{' '}
        </>
      )}
      <OrganizationName organization={organization} />
      {!isResellers && (
        <>
          {` · ${text.customerOf} `}
          <OrganizationName organization={reseller} />
        </>
      )}
    </>
  )
}

interface OrganizationNameProps {
  readonly organization: { readonly id: string; readonly name: string }
}

/** The name of an organization, as a link to it. */
function OrganizationName({ organization: { id, name } }: OrganizationNameProps) {
  return (
    <Link to="/organizations/$id" params={{ id }}>
      {name}
    </Link>
  )
}

/** A correlation id, as a link to the request. */
export function RequestId({ id }: { id: string }) {
  const { timeline } = useText()
  return (
    <Link to="/audit/$correlationId" params={{ correlationId: id }} aria-label={`${timeline.request} ${id}`}>
      <code>{id.slice(0, 13)}…</code>
    </Link>
  )
}
