import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call, type ResponseOf } from '../../api/call.ts'
import { read, readMe } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Failure } from '../../kit/failure.tsx'
import { Select } from '../../kit/field.tsx'
import { Moment } from '../../kit/moment.tsx'
import { Page } from '../../kit/page.tsx'
import { hasLetters, keepLetters } from '../../shell/shortcuts.tsx'
import { useLanguageChoice } from '../../shell/text-provider.tsx'
import { findTheme, keepTheme, THEMES, type Theme } from '../../shell/theme.ts'
import { LANGUAGES, type Language, useText } from '../../text/text.ts'
import styles from './you.module.css'

/** The signed-in person's own settings and sessions. */
export function You() {
  const { you: text, roles } = useText()
  const { data: me } = useQuery(readMe)
  return (
    <Page
      title={text.title}
      about={me && `${me.user.email ?? ''} · ${roles[me.permission]} · ${me.organization.name}`}
    >
      <Settings />
      <Sessions />
    </Page>
  )
}

function Settings() {
  const text = useText()
  const choose = useLanguageChoice()
  const [theme, setTheme] = useState(findTheme)
  const [letters, setLetters] = useState(hasLetters)
  return (
    <section className="panel stack">
      <h2>{text.you.settings}</h2>
      <Select
        label={text.you.language}
        value={text.language}
        choices={LANGUAGES.map((value) => ({ value, label: text.you.languages[value] }))}
        onChange={(value) => choose(value as Language)}
      />
      <Select
        label={text.shell.theme}
        value={theme}
        choices={THEMES.map((value) => ({ value, label: text.shell.themes[value] }))}
        onChange={(value) => {
          keepTheme(value as Theme)
          setTheme(value as Theme)
        }}
      />
      <label>
        <input
          type="checkbox"
          checked={letters}
          onChange={({ target }) => {
            keepLetters(target.checked)
            setLetters(target.checked)
          }}
        />{' '}
        {text.you.letters}
      </label>
    </section>
  )
}

function Sessions() {
  const { you: text } = useText()
  const { data, error, refetch } = useQuery(read('GET /sessions', {}))
  return (
    <section className="panel">
      <h2>{text.sessions}</h2>
      {error && <Failure error={error} onRetry={() => refetch()} />}
      <ul className={styles.sessions}>
        {data?.items.map((session) => (
          <SessionLine key={session.id} session={session} />
        ))}
      </ul>
    </section>
  )
}

function SessionLine({ session }: { session: ResponseOf<'GET /sessions'>['items'][number] }) {
  const { you: text } = useText()
  const queries = useQueryClient()
  const ending = useMutation({
    mutationFn: () => call('DELETE /sessions/:id', { params: { id: session.id } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['GET /sessions'] }),
  })
  return (
    <li>
      <div className="row">
        <strong>{text.methods[session.method]}</strong>
        <span>
          {text.since} <Moment at={session.createdAt} />
        </span>
        <span className="quiet">
          {text.seen} <Moment at={session.seenAt} look="relative" />
        </span>
        {session.current ? (
          <em>{text.current}</em>
        ) : (
          <Button isBusy={ending.isPending} onClick={() => ending.mutate()}>
            {text.end}
          </Button>
        )}
      </div>
      <div className="quiet">
        {session.address} · {session.agent}
      </div>
      {ending.error && <Failure error={ending.error} />}
    </li>
  )
}
