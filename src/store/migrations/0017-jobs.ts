import { type SqlBool, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Adds jobs: long work that survives the process that runs it. */
export const jobs: Migration = {
  version: 17,
  name: 'jobs',
  up: (schema, { pk, ref, number, text }) => [
    schema
      .createTable('jobs')
      .addColumn('pk', ...pk)
      .addColumn('id', text, (c) => c.notNull().unique())
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('state', text, (c) => c.notNull())
      .addColumn('provider_pk', ref, (c) => c.notNull())
      .addColumn('organization_pk', ref, (c) => c.notNull())
      .addColumn('organization_id', text, (c) => c.notNull())
      .addColumn('target', text)
      .addColumn('caller', text, (c) => c.notNull())
      .addColumn('caller_pk', ref)
      .addColumn('permission', text, (c) => c.notNull())
      .addColumn('portal', text)
      .addColumn('correlation_id', text, (c) => c.notNull())
      .addColumn('address', text)
      .addColumn('input', text, (c) => c.notNull())
      .addColumn('cursor', text)
      .addColumn('done', ref, (c) => c.notNull())
      .addColumn('total', ref)
      .addColumn('result', text)
      .addColumn('error', text)
      .addColumn('attempts', number, (c) => c.notNull())
      .addColumn('due_at', text, (c) => c.notNull())
      .addColumn('leased_until', text)
      .addColumn('leased_by', text)
      .addColumn('created_at', text, (c) => c.notNull())
      .addColumn('started_at', text)
      .addColumn('ended_at', text),
    schema
      .createIndex('jobs_due')
      .on('jobs')
      .columns(['due_at', 'pk'])
      .where(sql<SqlBool>`state in ('waiting', 'running')`),
    schema.createIndex('jobs_ended').on('jobs').column('ended_at').where(sql<SqlBool>`ended_at is not null`),
  ],
}
