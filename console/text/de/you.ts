import type { Text } from '../en.ts'

export const you: Text['you'] = {
  title: 'Ihre Sitzungen und Einstellungen',
  settings: 'Einstellungen in diesem Browser',
  language: 'Sprache',
  languages: { en: 'English', de: 'Deutsch' },
  letters: 'Einzelne Buchstaben sind Tastenkürzel',
  sessions: 'Sitzungen',
  methods: { link: 'mit einem Einmal-Link', oidc: 'beim Anmeldedienst' },
  since: 'seit',
  seen: 'zuletzt benutzt',
  current: 'diese hier',
  end: 'Beenden',
}
