import { useQuery } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { readMe } from '../api/queries.ts'
import { Toasts } from '../kit/toast.tsx'
import { useText } from '../text/text.ts'
import { FindButton } from './find-button.tsx'
import { Notices } from './notices.tsx'
import { PersonMenu } from './person-menu.tsx'
import { SessionDialogs } from './session-dialogs.tsx'
import styles from './shell.module.css'
import { Shortcuts } from './shortcuts.tsx'

/** The frame around every page: the head with Find and the person's menu, and the navigation. */
export function Shell() {
  const { shell, kinds } = useText()
  const { data: me } = useQuery(readMe)
  return (
    <div className={styles.shell}>
      <a href="#content" className={styles.skip} data-shell>
        {shell.skip}
      </a>
      <header className={styles.head} data-shell>
        <Link to="/users" className={styles.brand}>
          Usher
        </Link>
        {me && (
          <span className={styles.context}>
            {shell.context(me.organization.name, kinds[me.organization.kind])}
          </span>
        )}
        <FindButton />
        {me && <PersonMenu me={me} />}
      </header>
      <nav className={styles.navigation} aria-label={shell.navigation} data-shell>
        <Link to="/users">{shell.users}</Link>
        <Link to="/organizations">{shell.organizations}</Link>
        <Link to="/audit">{shell.audit}</Link>
      </nav>
      <main id="content" tabIndex={-1} className={styles.main}>
        <Notices />
        <Outlet />
      </main>
      <Toasts />
      <SessionDialogs />
      <Shortcuts />
    </div>
  )
}
