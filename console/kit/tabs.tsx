import { Link, type LinkProps } from '@tanstack/react-router'
import styles from './tabs.module.css'

interface TabsProps {
  readonly name: string
  readonly tabs: readonly (LinkProps & { readonly label: string })[]
}

/** Parts of one page that have addresses of their own. */
export function Tabs({ name, tabs }: TabsProps) {
  return (
    <nav aria-label={name} className={styles.tabs}>
      {tabs.map(({ label, ...link }) => (
        <Link key={label} {...link} activeOptions={{ exact: true, includeSearch: false }}>
          {label}
        </Link>
      ))}
    </nav>
  )
}
