import { useQuery } from '@tanstack/react-query'
import { read } from '../../api/queries.ts'
import { Button, LinkButton } from '../../kit/button.tsx'
import { Failure } from '../../kit/failure.tsx'
import { Message } from '../../kit/message.tsx'
import { useText } from '../../text/text.ts'
import styles from './changed-meanwhile.module.css'
import { useGroups } from './groups.ts'
import { type toBody, useFieldLabels } from './user-fields.tsx'

type Changes = Partial<ReturnType<typeof toBody>>

interface ChangedMeanwhileProps {
  readonly userId: string
  /** What the person would save. */
  readonly changes: Changes
  readonly isBusy: boolean
  /** Saves it on top of this state. */
  readonly onApply: (etag: string) => void
}

/** Shows what another person has made of the user meanwhile, beside what would be saved on top of it. */
export function ChangedMeanwhile({ userId, changes, isBusy, onApply }: ChangedMeanwhileProps) {
  const { userForm: text, user: userText, loading } = useText()
  const labels = useFieldLabels()
  const groups = useGroups('')
  const { data, error, refetch } = useQuery({
    ...read('GET /users/:id', { params: { id: userId } }),
    staleTime: 0,
    refetchOnMount: 'always',
  })
  if (error) return <Failure error={error} onRetry={() => refetch()} />
  if (!data) return <p role="status">{loading}</p>
  const nameOfGroup = (id: string) => groups.find(({ value }) => value === id)?.label ?? id
  const mine = {
    ...changes,
    groupIds: changes.groupIds?.map(nameOfGroup).join(', '),
  }
  const theirs = {
    ...{ firstName: data.firstName, lastName: data.lastName, email: data.email },
    groupIds: data.groups.map(({ name }) => name).join(', ') || userText.noGroups,
  }
  return (
    <Message kind="warn" takesFocus title={text.changedTitle}>
      <p>{text.changedText}</p>
      <table className={styles.table}>
        <thead>
          <tr>
            <td />
            <th scope="col">{text.theirs}</th>
            <th scope="col">{text.mine}</th>
          </tr>
        </thead>
        <tbody>
          {(['firstName', 'lastName', 'email', 'groupIds'] as const).map((name) => (
            <tr key={name}>
              <th scope="row">{labels[name]}</th>
              <td>{theirs[name] ?? text.nothing}</td>
              <td>{name in changes ? (mine[name] ?? text.nothing) : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="row">
        <Button look="main" isBusy={isBusy} onClick={() => onApply(data.etag)}>
          {text.applyMine}
        </Button>
        <LinkButton to="/users/$id" params={{ id: userId }} search={{}}>
          {text.takeTheirs}
        </LinkButton>
      </div>
    </Message>
  )
}
