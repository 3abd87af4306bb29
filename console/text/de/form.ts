import type { Text } from '../en.ts'

export const form: Text['form'] = {
  needsChange: (count) => (count === 1 ? 'Eine Angabe stimmt nicht.' : `${count} Angaben stimmen nicht.`),
  unsaved: 'Ohne Speichern verlassen?',
  unsavedText: 'Was Sie auf dieser Seite eingegeben haben, ist nicht gespeichert.',
  stay: 'Hier bleiben',
  leave: 'Verlassen',
  secretUnsaved: 'Das Geheimnis wird nur dieses eine Mal gezeigt.',
}

export const issues: Text['issues'] = {
  required: () => 'darf nicht leer sein',
  unknown: () => null,
  unique: () => 'gehört einem anderen Benutzer dieser Organisation',
  repeated: () => 'darf nicht wiederholt sein',
  fixed: () => 'lässt sich nicht ändern',
  last: () => 'ließe die Organisation ohne aktiven Administrator',
  oneself: () => 'kann man nicht mit sich selbst tun',
  reused: () => 'wurde für eine andere Anfrage benutzt: Öffnen Sie das Formular neu',
  text: () => null,
  email: () => 'muss eine E-Mail-Adresse sein',
  uuid: () => 'muss eine ID sein',
  maxLength: ({ max }) => `darf höchstens ${max} Zeichen haben`,
  minLength: ({ min }) => (min === 1 ? 'darf nicht leer sein' : `muss mindestens ${min} Zeichen haben`),
  maxItems: ({ max }) => `darf höchstens ${max} Einträge haben`,
  minItems: ({ min }) => `muss mindestens ${min} ${min === 1 ? 'Eintrag' : 'Einträge'} haben`,
}
