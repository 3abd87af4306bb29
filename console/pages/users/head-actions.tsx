import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/call.ts'
import { Button, LinkButton } from '../../kit/button.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Menu } from '../../kit/menu.tsx'
import { showToast } from '../../kit/toast.tsx'
import { useText } from '../../text/text.ts'
import { nameOf } from './names.tsx'
import { NewKey } from './new-key.tsx'
import { useReasons } from './reasons.ts'
import type { AccountView, Acts, UserView } from './user-data.ts'

interface HeadActionsProps {
  readonly user: UserView
  readonly accounts: readonly AccountView[]
  readonly acts: Acts
}

/** What can be done with the user, in the head of their page. */
export function HeadActions(props: HeadActionsProps) {
  const { state } = props.user
  return state === 'deleted' || state === 'erased' ? <OfDeleted {...props} /> : <OfLive {...props} />
}

function OfDeleted({ user, acts }: HeadActionsProps) {
  const { user: words } = useText()
  const reasonOf = useReasons(user)
  const restore = () =>
    acts.act({
      name: 'restore',
      run: () => call('POST /users/:id/restore', { params: { id: user.id } }),
      done: words.restored,
    })
  return (
    <>
      <Button look="main" reason={reasonOf('restore')} isBusy={acts.busy === 'restore'} onClick={restore}>
        {words.restore}
      </Button>
      <LinkButton to="/users/$id/receipt" params={{ id: user.id }}>
        {words.receipt}
      </LinkButton>
    </>
  )
}

function OfLive({ user, accounts, acts }: HeadActionsProps) {
  const { user: words } = useText()
  const reasonOf = useReasons(user)
  const waits = reasonOf('retry') === null
  const retry = () =>
    acts.act({
      name: 'retry',
      run: () => call('POST /users/:id/account/retry', { params: { id: user.id } }),
      done: words.retried,
    })
  return (
    <>
      <Button
        look={waits ? 'main' : 'plain'}
        reason={reasonOf('retry')}
        isBusy={acts.busy === 'retry'}
        onClick={retry}
      >
        {words.retryNow}
      </Button>
      <LinkButton to="/users/$id/edit" params={{ id: user.id }} shortcut="e" reason={reasonOf('update')}>
        {words.edit}
      </LinkButton>
      <More {...{ user, accounts, acts }} />
    </>
  )
}

function More({ user, accounts, acts }: HeadActionsProps) {
  const { user: words } = useText()
  const reasonOf = useReasons(user)
  const [dialog, setDialog] = useState<'key' | 'delete' | null>(null)
  const account = accounts.find(({ state }) => state !== 'removed')
  const close = () => setDialog(null)
  return (
    <>
      <Menu label={words.more}>
        <AccountSwitch {...{ user, acts, account }} />
        <UserSwitch {...{ user, acts }} />
        <Button reason={reasonOf('add_key')} onClick={() => setDialog('key')}>
          {words.newKey}
        </Button>
        <Button reason={reasonOf('delete')} onClick={() => setDialog('delete')}>
          {words.delete}
        </Button>
      </Menu>
      {dialog === 'key' && <NewKey {...{ user, acts }} s3Url={null} onClose={close} />}
      {dialog === 'delete' && <DeleteUser {...{ user, acts }} onClose={close} />}
    </>
  )
}

interface AccountSwitchProps {
  readonly user: UserView
  readonly acts: Acts
  readonly account: AccountView | undefined
}

/** Suspends or resumes the account, at once; the message takes it back. */
function AccountSwitch({ user, acts, account }: AccountSwitchProps) {
  const { user: words } = useText()
  const reasonOf = useReasons(user)
  const params = { id: user.id }
  const suspend = () => call('POST /users/:id/account/suspend', { params })
  const resume = () => call('POST /users/:id/account/resume', { params })
  const isOn = account?.enabled !== false
  const change = () =>
    acts.act(
      isOn
        ? { name: 'switch', run: suspend, done: words.accountSuspended, undo: resume }
        : { name: 'switch', run: resume, done: words.accountResumed, undo: suspend },
    )
  return (
    <Button
      reason={reasonOf(isOn ? 'suspend_account' : 'resume_account')}
      isBusy={acts.busy === 'switch'}
      onClick={change}
    >
      {isOn ? words.suspendAccount : words.resumeAccount}
    </Button>
  )
}

/** Suspends or resumes the user, with all that is theirs, at once; the message takes it back. */
function UserSwitch({ user, acts }: Pick<AccountSwitchProps, 'user' | 'acts'>) {
  const { user: words } = useText()
  const reasonOf = useReasons(user)
  const params = { id: user.id }
  const suspend = () => call('POST /users/:id/suspend', { params })
  const resume = () => call('POST /users/:id/resume', { params })
  const isOn = user.state === 'active'
  const change = () =>
    acts.act(
      isOn
        ? { name: 'user', run: suspend, done: words.userSuspended, undo: resume }
        : { name: 'user', run: resume, done: words.userResumed, undo: suspend },
    )
  return (
    <Button reason={reasonOf(isOn ? 'suspend' : 'resume')} isBusy={acts.busy === 'user'} onClick={change}>
      {isOn ? words.suspendUser : words.resumeUser}
    </Button>
  )
}

interface DeleteUserProps {
  readonly user: UserView
  readonly acts: Acts
  readonly onClose: () => void
}

function DeleteUser({ user, acts, onClose }: DeleteUserProps) {
  const text = useText()
  const { user: words } = text
  const navigate = useNavigate()
  const { id, etag } = user
  const name = nameOf(user, text)
  const remove = async () => {
    await call('DELETE /users/:id', { params: { id } }, { ifMatch: etag })
    showToast({
      text: words.deleted(name),
      undo: () => call('POST /users/:id/restore', { params: { id } }).finally(acts.refresh),
    })
    navigate({ to: '/users/$id', params: { id }, search: {} })
    await acts.refresh()
  }
  return (
    <Confirm title={words.deleteTitle(name)} verb={words.deleteUser} onConfirm={remove} onClose={onClose}>
      <p>{words.deleteText}</p>
    </Confirm>
  )
}
