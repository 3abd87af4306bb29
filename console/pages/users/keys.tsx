import { useState } from 'react'
import { call } from '../../api/call.ts'
import { Button } from '../../kit/button.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Id } from '../../kit/id.tsx'
import { Moment } from '../../kit/moment.tsx'
import { showToast } from '../../kit/toast.tsx'
import { useText } from '../../text/text.ts'
import styles from './keys.module.css'
import { NewKey } from './new-key.tsx'
import { useReasons } from './reasons.ts'
import type { AccountsView, Acts, UserView } from './user-data.ts'

type Key = AccountsView['keys'][number]

interface KeysProps {
  readonly user: UserView
  readonly acts: Acts
  readonly s3Url: string | null
  readonly keys: readonly Key[]
}

/** The keys of an account, without their secrets. Disabling is done at once, and can be taken back. */
export function Keys({ user, acts, s3Url, keys }: KeysProps) {
  const { user: words } = useText()
  const reasonOf = useReasons(user)
  const [isMaking, make] = useState(false)
  return (
    <>
      {keys.length === 0 && <p className="quiet">{words.noKeys}</p>}
      <ul className={styles.keys}>
        {keys.map((key) => (
          <li key={key.accessKey}>
            <KeyLine
              user={user}
              acts={acts}
              accessKey={key.accessKey}
              isActive={key.active}
              createdAt={key.createdAt}
            />
          </li>
        ))}
      </ul>
      <Button reason={reasonOf('add_key')} onClick={() => make(true)}>
        {words.newKey}
      </Button>
      {isMaking && <NewKey {...{ user, acts, s3Url }} onClose={() => make(false)} />}
    </>
  )
}

interface KeyLineProps {
  readonly user: UserView
  readonly acts: Acts
  readonly accessKey: string
  readonly isActive: boolean
  readonly createdAt: string
}

function KeyLine({ user, acts, accessKey, isActive, createdAt }: KeyLineProps) {
  const { user: words } = useText()
  const reasonOf = useReasons(user)
  const [isDeleting, askDelete] = useState(false)
  const set = (active: boolean) => call('PATCH /keys/:accessKey', { params: { accessKey }, body: { active } })
  const change = () =>
    acts.act({
      name: `key ${accessKey}`,
      run: () => set(!isActive),
      done: isActive ? words.keyDisabledDone(accessKey) : words.keyEnabledDone(accessKey),
      undo: () => set(isActive),
    })
  return (
    <>
      <Id>{accessKey}</Id>{' '}
      <span className={isActive ? undefined : 'quiet'}>{isActive ? words.keyActive : words.keyDisabled}</span>{' '}
      <span className="quiet">
        <Moment at={createdAt} look="short" />
      </span>{' '}
      <Button
        look="text"
        reason={reasonOf('change_keys')}
        isBusy={acts.busy === `key ${accessKey}`}
        aria-label={isActive ? words.disableKey(accessKey) : words.enableKey(accessKey)}
        onClick={change}
      >
        {isActive ? words.disable : words.enable}
      </Button>{' '}
      <Button
        look="text"
        reason={reasonOf('change_keys')}
        aria-label={words.deleteKeyOf(accessKey)}
        onClick={() => askDelete(true)}
      >
        {words.deleteKey}
      </Button>
      {isDeleting && <DeleteKey {...{ acts, accessKey }} onClose={() => askDelete(false)} />}
    </>
  )
}

interface DeleteKeyProps {
  readonly acts: Acts
  readonly accessKey: string
  readonly onClose: () => void
}

/** Asks before a key is deleted. */
export function DeleteKey({ acts, accessKey, onClose }: DeleteKeyProps) {
  const { user: words } = useText()
  return (
    <Confirm
      title={words.deleteKeyTitle(accessKey)}
      verb={words.deleteKeyVerb}
      onClose={onClose}
      onConfirm={async () => {
        await call('DELETE /keys/:accessKey', { params: { accessKey } })
        showToast({ text: words.keyDeleted(accessKey) })
        await acts.refresh()
      }}
    >
      <p>{words.deleteKeyText}</p>
    </Confirm>
  )
}
