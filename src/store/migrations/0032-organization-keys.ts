import type { Migration } from './migration.ts'

/** Finds organizations by the domain of their contact, and by the provider's identifier, without reading all names. */
export const organizationKeys: Migration = {
  version: 32,
  name: 'organization-keys',
  up: (schema) =>
    (['email_domain', 'identifier_key'] as const).map((column) =>
      schema
        .createIndex(`organizations_${column}`)
        .on('organizations')
        .columns(['provider_pk', column])
        .where(column, 'is not', null),
    ),
}
