import { type ReactNode, useId, useState } from 'react'
import { useText } from '../text/text.ts'
import { Button } from './button.tsx'
import { Failure } from './failure.tsx'
import { Field } from './field.tsx'
import { Modal } from './modal.tsx'

interface ConfirmProps {
  readonly title: string
  /** What happens, to whom. */
  readonly children: ReactNode
  /** Verb and object: `Delete user`. */
  readonly verb: string
  /** Whether it removes something. */
  readonly isDanger?: boolean
  /** The name to type, for what is wide or final. It is compared after NFC, without blanks at its ends. */
  readonly typed?: { readonly label: string; readonly name: string }
  /** Does it. The dialog stays, with the reason, if it fails. */
  readonly onConfirm: () => Promise<unknown>
  readonly onClose: () => void
  /** False if what is done puts something else in the place of the dialog. */
  readonly closesWhenDone?: boolean
}

/**
 * Asks before something that is felt: a button with verb and object, and for what is final, the name of the thing. The
 * focus begins where Enter removes nothing: at the field of the name, else at *Cancel*.
 */
export function Confirm(props: ConfirmProps) {
  const { title, children, verb, isDanger = true, typed, onConfirm, onClose, closesWhenDone = true } = props
  const { cancel, typeTheName } = useText()
  const [name, setName] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const id = useId()
  const isNamed = typed === undefined || fold(name) === fold(typed.name)
  const confirm = () => {
    setBusy(true)
    setError(null)
    onConfirm().then(closesWhenDone ? onClose : undefined, (failure) => {
      setError(failure)
      setBusy(false)
    })
  }
  return (
    <Modal title={title} role="alertdialog" describedBy={`${id}-text`} onClose={isBusy ? undefined : onClose}>
      <form
        id={id}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (isNamed && !isBusy) confirm()
        }}
      >
        <div id={`${id}-text`}>{children}</div>
        {typed && (
          <Field
            label={typed.label}
            name="typed"
            autoComplete="off"
            hint={typed.name}
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
        )}
        {error !== null && <Failure error={error} />}
        <div className="row">
          <Button
            type="submit"
            look={isDanger ? 'danger' : 'main'}
            isBusy={isBusy}
            reason={isNamed ? null : typeTheName}
          >
            {verb}
          </Button>
          <Button onClick={onClose} data-first={(isDanger && !typed) || undefined}>
            {cancel}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function fold(name: string): string {
  return name.normalize('NFC').trim()
}
