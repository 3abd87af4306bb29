import type { Text } from '../en.ts'

export const signIn: Text['signIn'] = {
  title: 'Anmelden',
  enterTitle: 'Konsole öffnen',
  with: (issuer) => `Anmelden mit ${issuer}`,
  orLink: 'Oder mit einem Einmal-Link: Den erstellt die Administration, oder der Befehl',
  byLink: 'Sie kommen mit einem Einmal-Link hinein: Den erstellt die Administration, oder der Befehl',
  command: 'usher console link',
  enterText: 'Mit diesem Link kommen Sie einmal in die Konsole.',
  whoText: 'Bitte sagen Sie, wer Sie sind.',
  enter: 'Öffnen',
  entering: 'Einen Moment…',
  firstName: 'Vorname',
  lastName: 'Nachname',
  email: 'E-Mail-Adresse',
  noToken: 'Der Link ist unvollständig: Öffnen Sie ihn noch einmal ganz.',
  goOnText: 'Sie sind angemeldet. Sie können diesen Tab schließen und im anderen weiterarbeiten.',
  problems: {
    cancelled: 'Die Anmeldung wurde nicht beendet. Versuchen Sie es noch einmal.',
    expired:
      'Die Anmeldung hat mehr als 10 Minuten gedauert oder in einem anderen Browser begonnen. Versuchen Sie es noch einmal.',
    unavailable:
      'Der Anmeldedienst ist nicht erreichbar. Versuchen Sie es später, oder benutzen Sie einen Einmal-Link.',
    failed:
      'Der Anmeldedienst hat eine Antwort gegeben, die Usher nicht annehmen kann. Versuchen Sie es noch einmal; der Grund steht im Log des Servers.',
    person_not_found:
      'Mit Ihrer E-Mail-Adresse ist beim Provider und bei den Resellern niemand bekannt. Bitten Sie die Administration, Sie aufzunehmen, oder um einen Einmal-Link.',
    person_not_permitted:
      'Sie dürfen die Konsole nicht benutzen: Dazu gehört die Gruppe Administrator oder Viewer, und Sie dürfen nicht gesperrt sein. Fragen Sie die Administration.',
    email_not_verified:
      'Der Anmeldedienst hat Ihre E-Mail-Adresse nicht bestätigt. Bitten Sie die Administration um einen Einmal-Link, und verbinden Sie damit Ihre Anmeldung.',
    busy: 'Usher kann Sie im Moment nicht anmelden. Versuchen Sie es in einer Minute noch einmal.',
  },
}
