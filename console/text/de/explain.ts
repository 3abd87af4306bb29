import type { NextCode } from '../../../src/model/explain.ts'
import type { Text } from '../en.ts'
import { newFormats } from '../format.ts'
import { callerKinds, drift, health as healthWords, operations, outcomes, permissions } from './codes.ts'
import { common } from './common.ts'

const { time, bytes, list, plural } = newFormats('de-DE')
const { kinds } = common

const byWhom = ({ at, by }: { readonly at: string | null; readonly by: string | null }): string =>
  `${at === null ? '' : ` am ${time(at)}`}${by === null ? '' : ` von ${by === 'operator' ? 'der Befehlszeile' : by}`}`

const or = (words: readonly string[]): string => words.join(' oder ')
const times = (count: number): string => plural(count, 'einmal', `${count}-mal`)

const platformSaid: Text['explain']['platformSaid'] = (cause, error) =>
  `${cause === 'refused' || cause === 'bad_response' ? 'Antwort der Plattform' : 'Technische Meldung'}: „${error}“`

const words: Readonly<Record<NextCode, string>> = {
  restore_user: 'den Benutzer wiederherstellen',
  add_user: 'die Person als neuen Benutzer anlegen',
  resume_user: 'den Benutzer entsperren',
  resume_customer: 'den Kunden entsperren',
  add_tenant: 'dem Kunden einen Platz auf der Plattform geben',
  map_org: 'die Cloud-Director-Organisation dem Mandanten zuordnen',
  give_account: 'dem Benutzer ein Konto geben',
  resume_account: 'das Konto entsperren',
  retry_account: 'den Vorgang jetzt wiederholen',
  mend_account: 'das Konto reparieren',
  add_key: 'dem Benutzer einen weiteren Schlüssel geben',
  enable_key: 'den Schlüssel einschalten',
  delete_key: 'den Schlüssel löschen, der sich nicht öffnen lässt',
  join_group: 'die Person in die Gruppe Administrator oder Viewer aufnehmen',
  relate_customer: 'den Kunden dem Reseller zuordnen',
  add_client: 'einen Client anlegen',
  explain_user: 'nachsehen, was aus dem Benutzer wurde',
  explain_access: 'nachsehen, warum der Aufrufer nicht darf',
  open_storage: 'Object Storage im Cloud Director einmal öffnen',
  wait: 'warten',
  set_up_platform: 'Usher die Einstellungen der Plattform geben',
  mend_platform: 'die Plattform instand setzen',
  free_space: 'auf der Plattform Platz schaffen',
  correct_request: 'die Anfrage berichtigen',
  look_at_log: 'die Einträge der Anfrage lesen',
  ask_administrator: 'die Administration fragen',
  ask_provider: 'den Provider fragen',
  ask_operator: 'den Betrieb fragen',
}

export const explain: Text['explain'] = {
  why: 'Warum',
  states: { yes: 'ja', no: 'nein', unknown: 'nicht bekannt', not_needed: 'nicht nötig' },
  notKnownYet: 'nicht bekannt vor dem Schritt darüber',
  notAsked: 'noch nicht gefragt',
  allWell: 'Alles, was Usher sehen kann, ist in Ordnung',
  causeTitle: 'Ursache',
  whatToDo: 'Was zu tun ist',
  unseenTitle: 'Usher kann nicht sehen',
  s3Url: 'Adresse des S3-Dienstes',
  steps: {
    user_exists: 'Im Verzeichnis, und nicht gelöscht',
    user_active: 'Der Benutzer ist nicht gesperrt',
    organization_active: 'Die Organisation ist nicht gesperrt',
    tenant_exists: 'Der Kunde hat einen Platz auf der Speicherplattform',
    org_mapped: 'Ihm ist eine Cloud-Director-Organisation zugeordnet',
    account_exists: 'Der Benutzer hat ein Speicherkonto',
    account_active: 'Das Konto ist nicht gesperrt',
    platform_configured: 'Usher hat die Einstellungen der Plattform',
    platform_well: 'Die Plattform arbeitet',
    applied: 'Was vermerkt ist, ist auf der Plattform',
    key_exists: 'Das Konto hat einen eingeschalteten Schlüssel',
    key_opens: 'Die Geheimnisse der Schlüssel lassen sich öffnen',
    platform_agrees: 'Die Plattform hat noch, was Usher geschrieben hat',
    quota_left: 'Das Kontingent hat Platz',
    request_known: 'Die Anfrage steht im Protokoll',
    request_permitted: 'Der Aufrufer durfte sie stellen',
    request_accepted: 'Ihr Inhalt wurde angenommen',
    request_applied: 'Die Plattform hat, was sie geändert hat',
    caller_known: 'Den Aufrufer gibt es',
    caller_active: 'Der Aufrufer und seine Organisation sind aktiv',
    caller_has_role: 'Die Person ist in einer Gruppe, die Zugang gibt',
    portal_in_context: 'Das Portal gehört dem Aufrufer',
    operation_permitted: 'Der Aufrufer darf die Operation ausführen',
    target_known: 'Den Gegenstand gibt es',
    target_in_reach: 'Der Gegenstand liegt im Bereich des Aufrufers',
  },
  failed: {
    user_exists: 'Dieser Benutzer ist gelöscht.',
    user_active: 'Dieser Benutzer ist gesperrt.',
    organization_active: 'Die Organisation dieses Benutzers arbeitet nicht.',
    tenant_exists: 'Der Kunde hat keinen Platz auf der Speicherplattform.',
    org_mapped: 'Dem Mandanten ist keine Cloud-Director-Organisation zugeordnet.',
    account_exists: 'Dieser Benutzer hat kein Speicherkonto.',
    account_active: 'Das Speicherkonto ist gesperrt.',
    platform_configured:
      'Das Speicherkonto ist nicht erreichbar: Usher fehlen die Einstellungen der Plattform.',
    platform_well: 'Die Speicherplattform arbeitet nicht.',
    applied: 'Das Speicherkonto ist nicht so auf der Plattform, wie es sein soll.',
    key_exists: 'Das Speicherkonto hat keinen Schlüssel, der funktioniert.',
    key_opens: 'Das Geheimnis eines Schlüssels ist verloren.',
    platform_agrees: 'Die Plattform hat etwas anderes, als Usher geschrieben hat.',
    quota_left: 'Das Kontingent ist voll.',
    request_known: 'Diese Anfrage steht nicht im Protokoll.',
    request_permitted: 'Der Aufrufer durfte das nicht.',
    request_accepted: 'Die Anfrage wurde abgelehnt.',
    request_applied: 'Die Änderung ist vermerkt, aber nicht auf der Plattform.',
    caller_known: 'Diesen Aufrufer gibt es nicht.',
    caller_active: 'Der Aufrufer arbeitet nicht.',
    caller_has_role: 'Die Person darf nicht herein.',
    portal_in_context: 'Der Aufrufer darf das Portal nicht benutzen.',
    operation_permitted: 'Der Aufrufer darf die Operation nicht ausführen.',
    target_known: 'Das gibt es nicht.',
    target_in_reach: 'Das liegt nicht im Bereich des Aufrufers.',
  },
  platformSaid,
  notApplied: (cause) => `Das Speicherkonto ist nicht auf der Plattform: ${cause}.`,
  waits: 'Eine Änderung ist unterwegs zur Plattform.',
  causes: {
    unreachable: 'an der Adresse der Plattform antwortet nichts',
    certificate: 'dem Zertifikat der Plattform wird nicht vertraut',
    late: 'die Plattform hat nicht rechtzeitig geantwortet',
    refused: 'die Plattform lehnt den Aufruf ab',
    bad_response: 'die Plattform antwortet in einer Form, die Usher nicht kennt',
    not_configured: 'dieses Usher hat keine Einstellungen der Plattform',
    wrong_cluster: 'die Adresse führt zu einem anderen Cluster als dem mit den Konten',
    key_taken: 'ein anderer Benutzer der Plattform hat einen der Schlüssel',
    changed_elsewhere: 'ein anderes Programm ändert das Konto immer wieder',
    still_there: 'die Plattform hat das Konto nach der Entfernung noch',
    data_left: 'dem Konto gehören Daten, und es sollte ohne sie entfernt werden',
    master_key: 'das Geheimnis eines Schlüssels lässt sich mit den Hauptschlüsseln dieses Usher nicht öffnen',
    store: 'Ushers eigener Speicher ist ausgefallen',
    other: 'die Plattform ließ sich nicht auf den Stand bringen',
  },
  reasons: {
    user_deleted: (done) =>
      `Der Benutzer wurde${byWhom(done)} gelöscht. Seine Schlüssel funktionieren nicht, und sein Konto wird von der Plattform entfernt.`,
    user_erased: ({ at }) =>
      `Die Daten der Person wurden am ${time(at)} anonymisiert. Das lässt sich nicht rückgängig machen.`,
    user_suspended: (done) =>
      `Der Benutzer wurde${byWhom(done)} gesperrt. Seine Schlüssel funktionieren nicht, bis er entsperrt wird.`,
    organization_deleted: () =>
      'Der Kunde wurde gelöscht. Seine Benutzer, Konten und Clients funktionieren nicht.',
    organization_suspended: (done) =>
      `Der Kunde wurde${byWhom(done)} gesperrt. Kein Schlüssel seiner Benutzer funktioniert, bis er entsperrt wird.`,
    no_tenant: ({ customer }) =>
      `Der Kunde ${customer} hat keinen Platz auf der Speicherplattform, also haben seine Benutzer keinen Speicher.`,
    no_org: ({ tenantId }) =>
      `Dem Mandanten ${tenantId} ist keine Cloud-Director-Organisation zugeordnet, also kann Cloud Director kein Konto anfordern.`,
    not_named: () =>
      'Cloud Director hat für diesen Benutzer noch kein Konto angefordert. Das geschieht, wenn die Person Object Storage zum ersten Mal öffnet.',
    not_given: () =>
      'Alle Benutzer des Kunden bekommen ein Konto, dieser hat noch keines: Ein Auftrag gibt es, oder eine frühere Entfernung ist nicht abgeschlossen.',
    being_removed: ({ since, purge }) =>
      `Das Konto wird seit dem ${time(since)}${purge ? ' mit seinen Daten' : ''} entfernt.`,
    account_removed: ({ since }) => `Das Konto wurde am ${time(since)} entfernt.`,
    account_suspended: (done) =>
      `Das Konto selbst wurde${byWhom(done)} gesperrt. Der Benutzer ist nicht gesperrt.`,
    not_configured: ({ platform }) =>
      `Das Konto liegt auf ${platform}, und dieses Usher hat davon keine Einstellungen.`,
    platform_ill: ({ platform, health, reason }) =>
      `Die Plattform ${platform} meldet ${healthWords[health]}.${reason === null ? '' : ` ${platformSaid(null, reason)}.`} Änderungen werden inzwischen vermerkt und kommen dort an, sobald sie wieder arbeitet.`,
    health_not_known: ({ platform }) => `Der Zustand von ${platform} ist im Augenblick nicht bekannt.`,
    waiting: ({ since }) =>
      `Eine Änderung vom ${time(since)} ist vermerkt und noch nicht auf der Plattform. Usher überträgt sie binnen Sekunden.`,
    failing: ({ since, attempts, cause, error, nextAt }) =>
      `Eine Änderung vom ${time(since)} ist vermerkt, aber nicht auf der Plattform, die bis dahin behält, was sie hatte.${error === null ? '' : ` ${platformSaid(cause, error)}.`} ` +
      `Usher hat es ${times(attempts)} versucht und versucht es am ${time(nextAt)} wieder.`,
    parked: ({ since, attempts, cause, error, nextAt }) =>
      `Eine Änderung vom ${time(since)} ist vermerkt, aber nicht auf der Plattform, die bis dahin behält, was sie hatte.${error === null ? '' : ` ${platformSaid(cause, error)}.`} ` +
      `Usher hat es ${times(attempts)} versucht, während die Plattform arbeitete, und versucht es jetzt einmal in der Stunde: das nächste Mal am ${time(nextAt)}.`,
    no_key: () => 'Das Konto hat keinen Schlüssel, also kann kein Programm es benutzen.',
    keys_disabled: ({ keys }) =>
      keys === 1
        ? 'Der einzige Schlüssel des Kontos ist ausgeschaltet.'
        : `Alle ${keys} Schlüssel des Kontos sind ausgeschaltet.`,
    secret_lost: ({ accessKey, lost }) =>
      `Das Geheimnis des Schlüssels ${accessKey}${lost > 1 ? ` und ${lost - 1} weiterer` : ''} lässt sich nicht öffnen, also kann Usher ihn auf der Plattform nicht wiederherstellen.`,
    drift: (found) =>
      `Die Plattform hat etwas anderes, als Usher geschrieben hat: ${list(found.kinds.map((kind) => `${drift[kind]} (${kind})`))}.`,
    not_compared: ({ error }) =>
      `Das Konto ließ sich nicht von der Plattform lesen.${error === null ? '' : ` ${platformSaid(null, error)}.`}`,
    quota_used: ({ usedBytes, quotaBytes }) => `${bytes(usedBytes)} von ${bytes(quotaBytes)} sind belegt.`,
    not_recorded: ({ correlationId }) =>
      `Im Protokoll steht nichts mit der Korrelations-ID ${correlationId}, das Sie sehen dürfen. Es enthält Änderungen, ` +
      'abgelehnte Aufrufe und das Lesen von Geheimnissen; anderes Lesen nicht, und keine Aufrufe ohne gültige Anmeldung.',
    refused: ({ operation, code }) =>
      `„${operations[operation]}“ wurde abgelehnt: ${outcomes[code]} (${code}). Geändert wurde nichts.`,
    not_applied: ({ waiting, failed }) =>
      `Es ist vermerkt, aber noch nicht auf der Plattform: ${waiting} ${plural(waiting, 'Änderung wartet', 'Änderungen warten')}, ${failed} sind zu oft gescheitert.`,
    caller_not_found: ({ id }) =>
      `Es gibt keinen Client und keinen Benutzer mit der ID ${id}, den Sie sehen dürfen.`,
    caller_suspended: ({ organization }) =>
      `Der Aufrufer wurde gesperrt oder gelöscht, oder seine Organisation ${organization} ist gesperrt.`,
    person_cannot_enter: ({ kind }) =>
      `Personen einer Organisation der Art „${kinds[kind]}“ können sich bei Usher nicht anmelden: nur die des Providers und der Reseller.`,
    person_without_role: ({ groups }) =>
      `Nur Administratoren und Viewer können sich anmelden. Die Person ist in ${groups.length === 0 ? 'keiner Gruppe' : list(groups)}.`,
    portal_refused: ({ portal }) =>
      `Das Portal ${portal} gibt es nicht, oder der Aufrufer darf es nicht benutzen.`,
    permission: ({ has, needed }) =>
      `Der Aufrufer hat die Berechtigung ${permissions[has]}; die Operation verlangt ${or(needed.map((one) => permissions[one]))}.`,
    organization_kind: ({ has, needed }) =>
      `Der Aufrufer handelt für eine Organisation der Art „${kinds[has]}“; die Operation verlangt ${or(needed.map((one) => `„${kinds[one]}“`))}.`,
    caller_kind: ({ has, needed }) =>
      `Diese Art von Aufrufer (${callerKinds[has]}) darf die Operation nicht ausführen, sondern nur: ${or(needed.map((one) => callerKinds[one]))}.`,
    target_not_found: ({ id }) => `Nichts mit dem Namen ${id}, das Sie sehen dürfen.`,
    other_organization: ({ organization }) =>
      `Es gehört zu ${organization}, und das liegt nicht unterhalb der Organisation des Aufrufers. Für den Aufrufer gibt es das nicht.`,
    not_related: ({ customer, reseller }) =>
      `Es gehört zum Kunden ${customer}, der ${reseller} nicht zugeordnet ist. Für den Aufrufer gibt es das nicht.`,
    other_context: ({ customer }) =>
      `Der Benutzer von ${customer} gehört zu einem anderen Reseller. Für den Aufrufer gibt es ihn nicht.`,
  },
  next: {
    restore_user: () => 'Benutzer wiederherstellen',
    add_user: () => 'Person als neuen Benutzer anlegen',
    resume_user: () => 'Benutzer entsperren',
    resume_customer: () => 'Kunden entsperren',
    add_tenant: () =>
      'Geben Sie dem Kunden einen Platz auf der Plattform, mit Konten für alle: in der Befehlszeile mit „usher tenant create“.',
    map_org: () =>
      'Öffnen Sie Object Storage für die Organisation im Cloud Director: Damit wird sie dem Mandanten zugeordnet.',
    give_account: () => 'Dem Benutzer ein Konto geben',
    resume_account: () => 'Konto entsperren',
    retry_account: () => 'Jetzt wiederholen',
    mend_account: () => 'Reparieren',
    add_key: () => 'Neuer Schlüssel',
    enable_key: ({ accessKey }) => `Schlüssel ${accessKey} einschalten`,
    delete_key: ({ accessKey }) => `Schlüssel ${accessKey} löschen`,
    join_group: () => 'Person in die Gruppe Administrator oder Viewer aufnehmen',
    relate_customer: () => 'Kunden dem Reseller zuordnen',
    add_client: ({ permission }) => `Einen Client mit der Berechtigung ${permissions[permission]} anlegen`,
    explain_user: () => 'Nachsehen, was aus dem Benutzer wurde',
    explain_access: () =>
      'Sehen Sie nach, warum der Aufrufer nicht darf: in der Befehlszeile mit „usher explain access“.',
    open_storage: () =>
      'Lassen Sie die Person Object Storage im Cloud Director einmal öffnen: Dann wird das Konto angefordert.',
    wait: ({ until }) =>
      `Warten Sie${until === null ? '' : ` bis zum ${time(until)}`}, und sehen Sie dann wieder nach.`,
    set_up_platform: () =>
      'Geben Sie diesem Usher die Einstellungen der Plattform (USHER_CEPH_RGW_…), und starten Sie es neu.',
    mend_platform: () =>
      'Beheben Sie, was die Plattform meldet; Usher überträgt dann von selbst, was wartet.',
    free_space: () =>
      'Lassen Sie die Person Objekte löschen, oder erhöhen Sie das Kontingent auf der Plattform.',
    correct_request: ({ code }) =>
      `Lassen Sie den Aufrufer die Anfrage berichtigen und noch einmal senden: ${outcomes[code]} (${code}).`,
    look_at_log: () => 'Einträge der Anfrage lesen',
    ask_administrator: ({ step }) =>
      `Sie dürfen nur lesen. Die Administration Ihrer Organisation kann ${words[step]}.`,
    ask_provider: ({ step }) => `Der Provider kann ${words[step]}.`,
    ask_operator: ({ step }) => `Wer Usher betreibt, kann ${words[step]}.`,
  },
  unseen: {
    bucket_policies: 'Richtlinien und Rechte des Buckets',
    client_clock: 'die Uhr des Clients: S3 lehnt Anfragen ab, die um 15 Minuten abweichen',
    endpoint_and_region: 'Adresse und Region in den Einstellungen des Clients',
  },
}
