/** The signed-in person's own settings and sessions. */
export const you = {
  title: 'Your sessions and settings',
  settings: 'Settings in this browser',
  language: 'Language',
  languages: { en: 'English', de: 'Deutsch' },
  letters: 'Single letters are keyboard shortcuts',
  sessions: 'Sessions',
  methods: { link: 'by a one-time link', oidc: 'at the sign-in service' },
  since: 'since',
  seen: 'last used',
  current: 'this one',
  end: 'End',
}
