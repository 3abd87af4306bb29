import { type ReactNode, useEffect } from 'react'
import { Button } from '../../kit/button.tsx'
import { useLanguageChoice } from '../../shell/text-provider.tsx'
import { type Language, useText } from '../../text/text.ts'
import styles from './card.module.css'

/** The page of people who are not signed in. */
export function Card({ title, children }: { title: string; children: ReactNode }) {
  const { shell } = useText()
  const choose = useLanguageChoice()
  useEffect(() => {
    document.title = `${title} · Usher`
  }, [title])
  return (
    <main className={styles.card}>
      <div className={styles.top}>
        <strong>Usher</strong>
        <Button look="text" lang={shell.languageTag} onClick={() => choose(shell.languageTag as Language)}>
          {shell.language}
        </Button>
      </div>
      <h1>{title}</h1>
      <div className="stack">{children}</div>
    </main>
  )
}
