import type { Text } from '../en.ts'

export const users: Text['users'] = {
  title: 'Benutzer',
  about: 'Die Suche umfasst alle in Ihrem Bereich, auf dem Server.',
  search: 'Nach Namen oder E-Mail-Adresse suchen',
  new: 'Neuer Benutzer',
  columns: {
    user: 'Benutzer',
    organization: 'Organisation',
    reseller: 'Reseller',
    groups: 'Gruppen',
    account: 'Speicherkonto',
    changed: 'Geändert',
  },
  filters: 'Filter',
  deleted: 'Gelöscht',
  deletedChoices: { no: 'nein', yes: 'nur gelöschte' },
  state: 'Zustand',
  count: (count, hasMore) => `${count}${hasMore ? '+' : ''} Benutzer`,
  nobody: 'Keine Treffer.',
  nobodyText: (asked) => `Zu „${asked}“ gibt es in Ihrem Bereich niemanden.`,
  clearSearch: 'Suche und Filter zurücksetzen',
  withoutName: 'ohne Namen',
  accountWords: {
    none: 'Kein Konto',
    applied: 'Auf der Plattform',
    suspended: 'Gesperrt',
    waiting: 'Wartet',
    failing: 'Scheitert',
    parked: 'Geparkt',
  },
  states: { active: 'aktiv', suspended: 'gesperrt', deleted: 'gelöscht', erased: 'anonymisiert' },
}
