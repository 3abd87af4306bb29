import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { BASE, call, type ResponseOf } from '../api/call.ts'
import { read } from '../api/queries.ts'
import { Menu } from '../kit/menu.tsx'
import { nameOf } from '../pages/users/names.tsx'
import { type Language, useText } from '../text/text.ts'
import { showShortcuts } from './shortcuts.tsx'
import { useLanguageChoice } from './text-provider.tsx'
import { findTheme, keepTheme, THEMES } from './theme.ts'

/** What the signed-in person can do about themselves. */
export function PersonMenu({ me }: { me: ResponseOf<'GET /me'> }) {
  const text = useText()
  const { shell } = text
  const choose = useLanguageChoice()
  return (
    <Menu label={shell.you(nameOf(me.user, text), text.roles[me.permission])}>
      <button type="button" lang={shell.languageTag} onClick={() => choose(shell.languageTag as Language)}>
        {shell.language}
      </button>
      <ThemeItems />
      <Link to="/you">{shell.sessions}</Link>
      <button type="button" onClick={showShortcuts}>
        {shell.shortcuts}
      </button>
      <OtherOrganizations me={me} />
      <SignOut />
    </Menu>
  )
}

function ThemeItems() {
  const { shell } = useText()
  const now = findTheme()
  return THEMES.filter((theme) => theme !== now).map((theme) => (
    <button key={theme} type="button" onClick={() => keepTheme(theme)}>
      {shell.theme}: {shell.themes[theme]}
    </button>
  ))
}

function OtherOrganizations({ me }: { me: ResponseOf<'GET /me'> }) {
  const { shell } = useText()
  const { data } = useQuery(read('GET /sign-in', {}))
  const switching = useMutation({
    mutationFn: (userId: string) => call('POST /session/switch', { body: { userId } }),
    onSuccess: () => location.assign(`${BASE}/console`),
  })
  const { others, session } = me
  return (
    <>
      {others.map(({ userId, organization }) => (
        <button key={userId} type="button" onClick={() => switching.mutate(userId)}>
          {shell.switchTo(organization.name)}
        </button>
      ))}
      {data?.issuer && session.method === 'link' && (
        <a href={`${BASE}/console/sign-in/start?connect=1`}>{shell.connect(data.issuer.name)}</a>
      )}
    </>
  )
}

function SignOut() {
  const { shell } = useText()
  const queries = useQueryClient()
  const ending = useMutation({
    mutationFn: () => call('POST /session/end', {}, { signedOut: 'fail' }),
    onSettled(response) {
      queries.clear()
      location.assign(response?.issuerSignOutUrl ?? `${BASE}/console/sign-in`)
    },
  })
  return (
    <button type="button" onClick={() => ending.mutate()}>
      {shell.signOut}
    </button>
  )
}
