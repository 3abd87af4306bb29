import { useState } from 'react'
import { call, type ResponseOf } from '../../api/call.ts'
import { Confirm } from '../../kit/confirm.tsx'
import { SecretDialog } from '../../kit/secret-dialog.tsx'
import { useText } from '../../text/text.ts'
import { nameOf } from './names.tsx'
import type { Acts, UserView } from './user-data.ts'

type NewKeyView = ResponseOf<'POST /users/:id/keys'>

interface NewKeyProps {
  readonly user: UserView
  readonly acts: Acts
  readonly s3Url: string | null
  readonly onClose: () => void
}

/** Makes a key, and shows its secret once. The secret is in the state of this component alone. */
export function NewKey({ user, acts, s3Url, onClose }: NewKeyProps) {
  const text = useText()
  const { user: words } = text
  const [idempotencyKey] = useState(() => crypto.randomUUID())
  const [made, setMade] = useState<NewKeyView | null>(null)
  if (made)
    return (
      <SecretDialog
        title={words.newKeyTitle}
        parts={[
          { label: words.accessKey, name: 'AWS_ACCESS_KEY_ID', value: made.accessKey },
          { label: words.secretKey, name: 'AWS_SECRET_ACCESS_KEY', value: made.secretKey, isSecret: true },
          ...(s3Url ? [{ label: words.endpoint, name: 'AWS_ENDPOINT_URL_S3', value: s3Url }] : []),
        ]}
        fileName={`${made.accessKey}.env`}
        note={made.platformState === 'applied' ? undefined : words.keyPending}
        lost={words.secretLost}
        onDone={() => {
          onClose()
          acts.refresh()
        }}
      />
    )
  return (
    <Confirm
      title={words.newKey}
      verb={words.newKeyVerb}
      isDanger={false}
      closesWhenDone={false}
      onClose={onClose}
      onConfirm={async () =>
        setMade(await call('POST /users/:id/keys', { params: { id: user.id } }, { idempotencyKey }))
      }
    >
      <p>{words.newKeyText(nameOf(user, text))}</p>
    </Confirm>
  )
}
