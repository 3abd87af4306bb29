import type { Tx } from './port.ts'
import { statement } from './statement.ts'

/** A credential as it is kept: its secret sealed. */
export interface SealedCredential {
  readonly accessKey: string
  readonly sealedSecret: string
  readonly active: boolean
  readonly createdAt: string
}

const insert = statement((db, p: { account: number; accessKey: string; sealedSecret: string; now: string }) =>
  db.insertInto('credentials').values({
    account_pk: p.account,
    access_key: p.accessKey,
    sealed_secret: p.sealedSecret,
    active: 1,
    created_at: p.now,
  }),
)

/** @throws {ConstraintError} when the access key is taken */
export async function insertCredential(
  tx: Tx,
  credential: { account: number; accessKey: string; sealedSecret: string; now: string },
): Promise<void> {
  await tx.run(insert, credential)
}

const selectOfAccount = statement((db, p: { account: number; offset: number; limit: number }) =>
  db
    .selectFrom('credentials')
    .select(['access_key', 'sealed_secret', 'active', 'created_at'])
    .where('account_pk', '=', p.account)
    .orderBy('pk')
    .offset(p.offset)
    .limit(p.limit),
)

/** The credentials of an account, oldest first: Cloud Director takes the first one for itself. */
export async function listCredentials(
  tx: Tx,
  account: number,
  page: { offset: number; limit: number },
): Promise<SealedCredential[]> {
  const rows = await tx.all(selectOfAccount, { account, ...page })
  return rows.map((row) => ({
    accessKey: row.access_key,
    sealedSecret: row.sealed_secret,
    active: row.active === 1,
    createdAt: row.created_at,
  }))
}

const selectAfter = statement((db, p: { after: number; limit: number }) =>
  db
    .selectFrom('credentials')
    .select(['pk', 'access_key as accessKey', 'sealed_secret as sealedSecret'])
    .where('pk', '>', p.after)
    .orderBy('pk')
    .limit(p.limit),
)

/** The credentials of all accounts whose keys follow one, in the order of their keys. */
export async function listCredentialsAfter(
  tx: Tx,
  after: number,
  limit: number,
): Promise<{ pk: number; accessKey: string; sealedSecret: string }[]> {
  return tx.all(selectAfter, { after, limit })
}

const countOfAccount = statement((db, p: { account: number }) =>
  db
    .selectFrom('credentials')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('account_pk', '=', p.account),
)

export async function countCredentials(tx: Tx, account: number): Promise<number> {
  return (await tx.get(countOfAccount, { account }))?.total ?? 0
}
