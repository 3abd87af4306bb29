import { useState } from 'react'
import { useText } from '../text/text.ts'
import { Button } from './button.tsx'
import { CopyButton } from './failure.tsx'
import { UnsavedGuard } from './form.tsx'
import { Modal } from './modal.tsx'

interface SecretPart {
  readonly label: string
  /** Its name in the file of environment variables. */
  readonly name: string
  readonly value: string
  readonly isSecret?: boolean
}

interface SecretDialogProps {
  readonly title: string
  readonly parts: readonly SecretPart[]
  readonly fileName: string
  readonly note?: string | undefined
  /** What to do when the secret was lost. */
  readonly lost: string
  readonly onDone: () => void
}

/** Shows a secret once. Only *Done* ends it, once the person says that it is put away; print leaves it out. */
export function SecretDialog({ title, parts, fileName, note, lost, onDone }: SecretDialogProps) {
  const { user: words, done } = useText()
  const [isPutAway, setPutAway] = useState(false)
  return (
    <Modal title={title}>
      <div className="stack no-print">
        <p role="status">
          <strong>{words.secretOnce}</strong> {lost} {note}
        </p>
        <dl className="facts">
          {parts.map(({ label, name, value, isSecret }) => (
            <div key={name} style={{ display: 'contents' }}>
              <dt>{label}</dt>
              <dd>
                <code data-secret={isSecret || undefined}>{value}</code> <CopyButton value={value} />
              </dd>
            </div>
          ))}
        </dl>
        <div>
          <Button onClick={() => download(fileName, parts)}>{words.download}</Button>
        </div>
        <label className="row">
          <input type="checkbox" checked={isPutAway} onChange={({ target }) => setPutAway(target.checked)} />
          {words.putAway}
        </label>
        <div className="row">
          <Button look="main" reason={isPutAway ? null : words.putAwayFirst} onClick={onDone}>
            {done}
          </Button>
        </div>
      </div>
      <UnsavedGuard isUnsaved />
    </Modal>
  )
}

/** Saves environment variables as a file. */
function download(fileName: string, parts: readonly SecretPart[]): void {
  const text = parts.map(({ name, value }) => `${name}=${value}\n`).join('')
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  URL.revokeObjectURL(url)
}
