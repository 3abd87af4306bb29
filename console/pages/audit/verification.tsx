import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { call, type ResponseOf } from '../../api/call.ts'
import { read } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Failure, ServerSaid } from '../../kit/failure.tsx'
import { Id } from '../../kit/id.tsx'
import { Message } from '../../kit/message.tsx'
import { useText } from '../../text/text.ts'
import { callerName } from './names.tsx'

type View = ResponseOf<'GET /audit/verification'>
type Last = NonNullable<View['last']>
type Verdict = NonNullable<Last['verdict']>

const POLL_MS = 1_000
const OPERATION = 'GET /audit/verification'

/** Verifies the chain of the audit log, and shows the last result. While it runs, it is asked for every second. */
export function Verification() {
  const { audit: text } = useText()
  const queries = useQueryClient()
  const found = useQuery({
    ...read(OPERATION, {}),
    refetchInterval: ({ state }) => (state.data?.running ? POLL_MS : false),
  })
  const begin = useMutation({
    mutationFn: () => call('POST /audit/verification', {}, { idempotencyKey: crypto.randomUUID() }),
    onSuccess: (view) => queries.setQueryData(read(OPERATION, {}).queryKey, view),
  })
  const { running = null, last = null } = found.data ?? {}
  return (
    <section className="panel stack" aria-labelledby="verification">
      <div className="row">
        <h2 id="verification">{text.chain}</h2>
        <Button isBusy={begin.isPending || running !== null} onClick={() => begin.mutate()}>
          {text.verify}
        </Button>
      </div>
      {begin.error && <Failure error={begin.error} />}
      {found.error && <Failure error={found.error} onRetry={() => found.refetch()} />}
      {running && (
        <div role="status">
          <progress value={running.done} max={Math.max(running.total ?? 0, running.done, 1)} />{' '}
          {text.verifying(running.done, running.total)}
          {running.error && <ServerSaid>{running.error}</ServerSaid>}
        </div>
      )}
      {!running && last && <LastResult last={last} />}
      {found.data && !running && !last && <p className="quiet">{text.neverVerified}</p>}
    </section>
  )
}

function LastResult({ last: { caller, endedAt, error, verdict } }: { last: Last }) {
  const text = useText()
  return (
    <>
      <p className="quiet">{text.audit.verifiedBy(text.format.time(endedAt), callerName(caller, text))}</p>
      {verdict ? (
        <Found verdict={verdict} />
      ) : (
        <Message kind="bad" title={text.audit.notVerified}>
          {error && <ServerSaid>{error}</ServerSaid>}
        </Message>
      )}
    </>
  )
}

function Found({ verdict }: { verdict: Verdict }) {
  const { audit: text } = useText()
  const { whole, entries, blocks, unsealed, head, faults, faultCount } = verdict
  const more = faultCount - faults.length
  return (
    <>
      <Message kind={whole ? 'good' : 'bad'} title={whole ? text.whole : text.damaged(faultCount)}>
        {faults.length > 0 && (
          <ul>
            {faults.map((fault) => (
              <li key={`${fault.block} ${fault.position} ${fault.entry} ${fault.fault}`}>
                {fault.block > 0 && `${text.place(fault.block, fault.through)}: `}
                {text.faults[fault.fault]} {fault.entry && <Id>{fault.entry}</Id>}
              </li>
            ))}
          </ul>
        )}
        {more > 0 && <p>{text.moreFaults(more)}</p>}
      </Message>
      <p className="quiet">{text.checked(entries, blocks, unsealed)}</p>
      <p className="quiet">
        {text.head} <Id canCopy>{`${head.block}:${head.hash}`}</Id>
      </p>
    </>
  )
}
