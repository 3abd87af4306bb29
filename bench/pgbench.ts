import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { queryDatabase } from '../testing/query.ts'
import type { Figures } from './generators.ts'

/**
 * The rows of one create, as Usher writes them, in one transaction of prepared statements. The ids are as long as
 * Usher's; the e-mail addresses fall anywhere in their index.
 */
const CREATE = `
\\set user random(1, 1000000000000000)
\\set word random(1, 1000000000000000)
begin;
insert into users (id, organization_pk, first_name, last_name, email, email_key, created_at, updated_at)
  values (lpad(:user::text, 36, '0'), :organization, 'Ada', 'Lovelace', :word::text || '@pgbench.example',
    :word::text || '@pgbench.example', :now, :now)
  returning pk as user_pk \\gset
insert into memberships (user_pk, group_pk) values (:user_pk, :group);
insert into audit_entries
  (id, at, operation, status, outcome, caller, portal, organization, target, correlation_id, changed_fields)
  values (:id, :now, 'CreateUser', 'Succeeded', 'created', :id, 'localhost', :id, :id, :id,
    '["firstName","lastName","email","groups"]');
commit;
`

/** Writes the script that pgbench runs. */
export function writeScript(file: string): void {
  writeFileSync(file, CREATE)
}

/**
 * Lets pgbench, which comes with PostgreSQL, insert the rows of creates over so many connections, for whole seconds.
 * @throws {Error} when it is not installed, or a transaction failed
 */
export async function runPgbench(
  url: string,
  script: string,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Figures> {
  const threads = ['-c', String(connections), '-j', '2']
  const variables = Object.entries(await readVariables(url)).map(([name, value]) => `-D${name}=${value}`)
  const args = [
    '-n',
    '-M',
    'prepared',
    ...threads,
    ...variables,
    '-T',
    String(Math.ceil(seconds)),
    '-f',
    script,
    url,
  ]
  const { stdout, stderr } = await promisify(execFile)('pgbench', args)
  const found = /^tps = ([\d.]+)/m.exec(stdout)
  if (/aborted|ERROR/.test(stderr)) throw new Error(`pgbench: ${stdout}${stderr}`)
  // On a busy machine a short run can end before its connections have been made.
  return { perSecond: Number(found?.[1] ?? 0), p50: null, p99: null, max: null }
}

async function readVariables(url: string): Promise<Record<string, unknown>> {
  const [found] = await queryDatabase(
    url,
    `select (select min(pk) from organizations where kind = 'customer') as organization,
      (select min(pk) from groups) as group, (select id from organizations order by pk limit 1) as id`,
  )
  return { ...found, now: '2026-11-22T08:00:00.000Z' }
}
