import { sql } from 'kysely'
import type { Bucket, Content, Usage } from '../../model/contents.ts'
import type { Page, PageRequest } from '../../model/pages.ts'
import type { Tx } from '../port.ts'
import { statement } from '../statement.ts'
import { YES } from './accounts.ts'

/** The accounts of one tenant, or all accounts of a provider on one platform. */
export type ContentScope =
  | { readonly tenant: number }
  | { readonly provider: number; readonly platform: string }

/** How many new accounts one unit registers. */
const REGISTERED = 1_000
/**
 * How many primary keys below the newest registered account are searched too: an account with a lower key may be
 * committed later.
 */
const OVERLAP = 1_000

/** What the accounts of a scope store, as it was last read from their platform. */
export interface StoredUsage {
  readonly usage: Usage
  /** How many accounts were not read since the given time. New accounts, which are empty, do not count. */
  readonly unread: number
}

/**
 * Adds up what accounts store.
 * @param since accounts that were last read before this time count as unread; ISO 8601
 */
export async function selectUsage(tx: Tx, scope: ContentScope, since: string): Promise<StoredUsage> {
  const [row] = await tx.query((db) => {
    const sums = db.selectFrom('contents').select((eb) => [
      eb.fn.countAll<number>().as('accounts'),
      eb.fn.count<number>('quota_bytes').as('quotas'),
      // Not the integers: their sum may be too large for the engine.
      ...SUMMED.map((name) => sql<number | null>`sum(${eb.ref(name)} * 1.0)`.as(name)),
      sql<number>`count(case when read_at is null or read_at < ${since} then 1 end)`.as('unread'),
    ])
    return 'tenant' in scope
      ? sums.where('tenant_pk', '=', scope.tenant)
      : sums.where('provider_pk', '=', scope.provider).where('platform', '=', scope.platform)
  })
  const sumOf = (name: (typeof SUMMED)[number]): number => Number(row?.[name] ?? 0)
  const accounts = Number(row?.accounts ?? 0)
  return {
    usage: {
      bucketCount: sumOf('bucket_count'),
      objectCount: sumOf('object_count'),
      usedBytes: sumOf('used_bytes'),
      quotaBytes: accounts > 0 && Number(row?.quotas) === accounts ? sumOf('quota_bytes') : null,
    },
    unread: Number(row?.unread ?? 0),
  }
}

const SUMMED = ['bucket_count', 'object_count', 'used_bytes', 'quota_bytes'] as const

/** Returns a page of the buckets of a tenant as they were last read, by name, and the exact number of all. */
export async function selectBucketPage(
  tx: Tx,
  tenant: number,
  { offset, limit }: PageRequest,
): Promise<Page<Bucket>> {
  const [count] = await tx.query((db) =>
    db
      .selectFrom('buckets')
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .where('tenant_pk', '=', tenant),
  )
  const rows = await tx.query((db) =>
    db
      .selectFrom('buckets')
      .innerJoin('accounts', 'accounts.pk', 'buckets.account_pk')
      .select(['buckets.name', 'buckets.created_at as createdAt', 'accounts.canonical_user_id as owner'])
      .where('buckets.tenant_pk', '=', tenant)
      .orderBy('buckets.name')
      .limit(limit)
      .offset(offset),
  )
  return { items: rows, total: Number(count?.total ?? 0) }
}

const selectNewest = statement((db) =>
  db.selectFrom('contents').select((eb) => eb.fn.max('account_pk').as('pk')),
)

const selectNew = statement((db, p: { after: number }) =>
  db
    .selectFrom('accounts')
    .leftJoin('contents', 'contents.account_pk', 'accounts.pk')
    .select('accounts.pk')
    .where('accounts.pk', '>', p.after)
    .where('accounts.wanted', '=', YES)
    .where('contents.account_pk', 'is', null)
    .orderBy('accounts.pk')
    .limit(sql.lit(REGISTERED)),
)

/** Returns the primary keys of new accounts that `insertContents` has to register, at most 1,000. */
export async function selectUnregisteredAccounts(tx: Tx): Promise<number[]> {
  const newest = Number((await tx.get(selectNewest, {}))?.pk ?? 0)
  return (await tx.all(selectNew, { after: newest - OVERLAP })).map((row) => row.pk)
}

/** Registers new accounts, which store nothing yet. */
export async function insertContents(
  tx: Tx,
  accounts: readonly number[],
  { readAt, dueAt }: Times,
): Promise<void> {
  await tx.query((db) =>
    db
      .insertInto('contents')
      .columns([
        ...(['account_pk', 'provider_pk', 'tenant_pk', 'platform'] as const),
        ...(['bucket_count', 'object_count', 'used_bytes', 'read_at', 'due_at'] as const),
      ])
      .expression((eb) =>
        eb
          .selectFrom('accounts')
          .select([
            ...(['pk', 'provider_pk', 'tenant_pk', 'platform'] as const),
            ...SUMMED.slice(0, 3).map((name) => sql<number>`0`.as(name)),
            eb.val(readAt).as('read_at'),
            eb.val(dueAt).as('due_at'),
          ])
          .where('pk', 'in', accounts),
      )
      .onConflict((conflict) => conflict.doNothing()),
  )
}

/** An account whose content is to be read from its platform. */
export interface DueContent {
  readonly account: number
  readonly canonicalUserId: string
  /** Whether nothing is known of it. A new account is known to be empty. */
  readonly isFirst: boolean
}

const selectDue = statement((db, p: { platform: string; now: string; limit: number }) =>
  db
    .selectFrom('contents')
    .innerJoin('accounts', 'accounts.pk', 'contents.account_pk')
    .select(['contents.account_pk as account', 'accounts.canonical_user_id as canonicalUserId'])
    .select('contents.due_at as dueAt')
    .where('contents.platform', '=', p.platform)
    .where('contents.due_at', '<=', p.now)
    .orderBy('contents.due_at')
    .limit(p.limit),
)

/** Returns accounts of a platform whose content is due; the one that waits longest comes first. */
export async function selectDueContents(
  tx: Tx,
  due: { platform: string; now: string; limit: number },
): Promise<DueContent[]> {
  const rows = await tx.all(selectDue, due)
  return rows.map(({ account, canonicalUserId, dueAt }) => ({
    account,
    canonicalUserId,
    isFirst: dueAt === '',
  }))
}

/** Lets accounts wait until a time, so that other processes do not read them meanwhile. */
export async function postponeContents(tx: Tx, accounts: readonly number[], dueAt: string): Promise<void> {
  await tx.query((db) =>
    db.updateTable('contents').set({ due_at: dueAt }).where('account_pk', 'in', accounts),
  )
}

const update = statement(
  (
    db,
    p: { account: number; buckets: number; objects: number; bytes: number; quota: number | null } & Times,
  ) =>
    db
      .updateTable('contents')
      .set({
        bucket_count: p.buckets,
        object_count: p.objects,
        used_bytes: p.bytes,
        quota_bytes: p.quota,
        read_at: p.readAt,
        due_at: p.dueAt,
      })
      .where('account_pk', '=', p.account),
)

interface Times {
  readonly readAt: string
  readonly dueAt: string
}

const selectNames = statement((db, p: { account: number }) =>
  db.selectFrom('buckets').select('name').where('account_pk', '=', p.account).orderBy('name'),
)
const deleteBuckets = statement((db, p: { account: number }) =>
  db.deleteFrom('buckets').where('account_pk', '=', p.account),
)
const insertBucket = statement((db, p: { account: number; name: string; createdAt: string }) =>
  db
    .insertInto('buckets')
    .columns(['account_pk', 'name', 'tenant_pk', 'created_at'])
    .expression((eb) =>
      eb
        .selectFrom('contents')
        .select(['account_pk', eb.val(p.name).as('name'), 'tenant_pk', eb.val(p.createdAt).as('created_at')])
        .where('account_pk', '=', p.account),
    ),
)

/** Stores what was read of an account. Does nothing if the account was removed meanwhile. */
export async function updateContent(
  tx: Tx,
  account: number,
  { usage, buckets, readAt, dueAt }: Content & Times,
): Promise<void> {
  const { bucketCount, objectCount, usedBytes, quotaBytes } = usage
  const figures = { buckets: bucketCount, objects: clamp(objectCount), bytes: clamp(usedBytes) }
  const quota = quotaBytes === null ? null : clamp(quotaBytes)
  if ((await tx.run(update, { account, ...figures, quota, readAt, dueAt })) === 0) return
  const known = (await tx.all(selectNames, { account })).map(({ name }) => name)
  const names = buckets.map(({ name }) => name).sort()
  if (known.length === names.length && names.every((name, i) => name === known[i])) return
  await tx.run(deleteBuckets, { account })
  for (const { name, createdAt } of buckets) await tx.run(insertBucket, { account, name, createdAt })
}

/** A gateway may have larger numbers, for example as a quota. */
function clamp(value: number): number {
  return Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER)
}

const deleteContentRow = statement((db, p: { account: number }) =>
  db.deleteFrom('contents').where('account_pk', '=', p.account),
)

/** Deletes what an account stored, because its platform no longer has it. */
export async function deleteContent(tx: Tx, account: number): Promise<void> {
  await tx.run(deleteBuckets, { account })
  await tx.run(deleteContentRow, { account })
}

const setPlatform = statement((db, p: { tenant: number; platform: string }) =>
  db.updateTable('contents').set({ platform: p.platform, due_at: '' }).where('tenant_pk', '=', p.tenant),
)

/** Puts the contents of a tenant's accounts on another platform, where they are due at once. */
export async function updateContentsPlatform(tx: Tx, tenant: number, platform: string): Promise<void> {
  await tx.run(setPlatform, { tenant, platform })
}

/** Returns the canonical ids of a scope's accounts, at most `limit`, oldest account first. */
export async function selectCanonicalIds(tx: Tx, scope: ContentScope, limit: number): Promise<string[]> {
  const rows = await tx.query((db) => {
    const query = db
      .selectFrom('accounts')
      .select('canonical_user_id')
      .where('wanted', '=', YES)
      .orderBy('pk')
      .limit(limit)
    return 'tenant' in scope
      ? query.where('tenant_pk', '=', scope.tenant)
      : query.where('provider_pk', '=', scope.provider).where('platform', '=', scope.platform)
  })
  return rows.map((row) => row.canonical_user_id)
}
