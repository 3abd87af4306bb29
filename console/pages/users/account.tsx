import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AccountWord } from '../../../src/model/user-lists.ts'
import { call } from '../../api/call.ts'
import { useMay } from '../../api/permissions.ts'
import { read } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Failure } from '../../kit/failure.tsx'
import { Id } from '../../kit/id.tsx'
import { Moment } from '../../kit/moment.tsx'
import { PlatformSaid } from '../../kit/platform-said.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { useText } from '../../text/text.ts'
import { Keys } from './keys.tsx'
import { AccountStatus } from './names.tsx'
import { useReasons } from './reasons.ts'
import type { AccountsView, AccountView, Acts, UserView } from './user-data.ts'

interface AccountProps {
  readonly user: UserView
  readonly acts: Acts
  readonly found: UseQueryResult<AccountsView, Error>
  readonly s3Url: string | null
}

/** The storage account of a user with its keys, what it uses, and the user's groups. */
export function Account({ user, acts, found, s3Url }: AccountProps) {
  const text = useText()
  const { user: words } = text
  const { data, error, refetch } = found
  return (
    <section className="panel" aria-labelledby="account">
      <h2 id="account">{words.account}</h2>
      {error && <Failure error={error} onRetry={() => refetch()} />}
      {!data && !error && <Skeleton lines={6} />}
      {data?.accounts.length === 0 && <NoAccount user={user} acts={acts} />}
      {data?.accounts.map((account) => (
        <dl key={account.platform + account.canonicalUserId} className="facts">
          <Facts account={account} />
          {account.state !== 'removed' && (
            <>
              <dt>{words.keys}</dt>
              <dd>
                <Keys
                  {...{ user, acts, s3Url }}
                  keys={data.keys.filter(({ platform }) => platform === account.platform)}
                />
              </dd>
              <dt>{words.uses}</dt>
              <dd>
                <Usage userId={user.id} />
              </dd>
            </>
          )}
        </dl>
      ))}
      <h2>{words.groups}</h2>
      <p>{user.groups.map(({ name }) => name).join(', ') || words.noGroups}</p>
    </section>
  )
}

function NoAccount({ user, acts }: Pick<AccountProps, 'user' | 'acts'>) {
  const { user: words } = useText()
  const give = () =>
    acts.act({
      name: 'give',
      run: () => call('POST /users/:id/account', { params: { id: user.id } }),
      done: words.accountGiven,
    })
  return (
    <>
      <p>{words.noAccount}</p>
      <Button reason={useReasons(user)('give_account')} isBusy={acts.busy === 'give'} onClick={give}>
        {words.giveAccount}
      </Button>
    </>
  )
}

/** The state of an account in one word, as the lists of users have it. */
function wordOf({ state, platformState, parkedAt, attempts }: AccountView): AccountWord {
  if (parkedAt !== null) return 'parked'
  if (platformState !== 'applied') return attempts > 0 ? 'failing' : 'waiting'
  return state === 'active' ? 'applied' : state === 'suspended' ? 'suspended' : 'none'
}

function Facts({ account }: { account: AccountView }) {
  const { user: words } = useText()
  const { state, reason, platformState, changedAt, error } = account
  const why = reason && ` (${words.inactiveReasons[reason]})`
  return (
    <>
      <dt>{words.state}</dt>
      <dd>
        <AccountStatus word={wordOf(account)} />
      </dd>
      <dt>{words.recorded}</dt>
      <dd>
        {words.recordedStates[state]}
        {why}{' '}
        <span className="quiet">
          <Moment at={changedAt} look="short" />
        </span>
      </dd>
      <dt>{words.onPlatform}</dt>
      <dd>
        {words.platformStates[platformState]} <span className="quiet">{account.platform}</span>
        {platformState !== 'applied' && (
          <div className="quiet">{words.version(account.desiredVersion, account.appliedVersion)}</div>
        )}
      </dd>
      {account.orgId && (
        <>
          <dt>{words.thereIs}</dt>
          <dd>
            <Id>{account.orgId}</Id> · {account.username ?? account.orgUserId}
          </dd>
        </>
      )}
      {platformState !== 'applied' && error && (
        <>
          <dt>{words.lastError}</dt>
          <dd>
            <PlatformSaid cause={account.cause} error={error} />
          </dd>
        </>
      )}
      <dt>{words.tenant}</dt>
      <dd>
        <Id canCopy>{account.tenantId}</Id>
      </dd>
      <dt>{words.canonicalId}</dt>
      <dd>
        <Id canCopy>{account.canonicalUserId}</Id>
      </dd>
    </>
  )
}

/** What the user stores, asked of the platform by a button. */
function Usage({ userId }: { userId: string }) {
  const { user: words, format } = useText()
  const may = useMay()
  const [isAsked, ask] = useState(false)
  const { data, error, isFetching, refetch, dataUpdatedAt } = useQuery({
    ...read('GET /users/:id/account/usage', { params: { id: userId } }),
    enabled: isAsked,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
  return (
    <div className="stack">
      {error && <Failure error={error} />}
      {data && (
        <>
          <span>
            {words.usage(data.usage.bucketCount, format.number(data.usage.objectCount), data.usage.usedBytes)}{' '}
            {data.usage.quotaBytes !== null && words.quota(data.usage.quotaBytes)}{' '}
            <span className="quiet">
              ({words.askedAt(format.relative(new Date(dataUpdatedAt).toISOString()))})
            </span>
          </span>
          {data.buckets.length > 0 && (
            <details>
              <summary>{words.buckets}</summary>
              <ul>
                {data.buckets.map(({ name, createdAt }) => (
                  <li key={name}>
                    <code>{name}</code>{' '}
                    <span className="quiet">
                      <Moment at={createdAt} look="short" />
                    </span>
                  </li>
                ))}
              </ul>
            </details>
          )}
        </>
      )}
      <div>
        <Button
          look="text"
          reason={may('GetUserUsage')}
          isBusy={isFetching}
          onClick={() => (isAsked ? refetch() : ask(true))}
        >
          {words.askUsage}
        </Button>
      </div>
    </div>
  )
}
