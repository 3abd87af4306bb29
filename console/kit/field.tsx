import { type ComponentProps, type ReactNode, useId } from 'react'
import styles from './field.module.css'

interface FieldProps extends ComponentProps<'input'> {
  readonly label: string
  readonly name: string
  readonly hint?: ReactNode
  /** What the server says is wrong with it. */
  readonly errors?: readonly string[] | undefined
}

/** One line of text with its label, hint and errors. */
export function Field({ label, hint, errors = [], ...input }: FieldProps) {
  const id = useId()
  const about = describe(id, hint, errors)
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        aria-invalid={errors.length > 0 || undefined}
        aria-describedby={about}
        className={styles.input}
      />
      <Notes id={id} hint={hint} errors={errors} />
    </div>
  )
}

interface ChoiceFieldProps {
  readonly label: string
  readonly name: string
  readonly choices: readonly { readonly value: string; readonly label: string; readonly hint?: string }[]
  readonly chosen: readonly string[]
  readonly onChange: (chosen: string[]) => void
  readonly errors?: readonly string[] | undefined
}

/** Boxes to tick. */
export function Checks({ label, name, choices, chosen, onChange, errors = [] }: ChoiceFieldProps) {
  const id = useId()
  return (
    <fieldset className={styles.checks} aria-describedby={describe(id, null, errors)}>
      <legend>{label}</legend>
      {choices.map(({ value, label: text, hint }) => (
        <label key={value}>
          <input
            type="checkbox"
            name={name}
            value={value}
            checked={chosen.includes(value)}
            onChange={({ target }) =>
              onChange(target.checked ? [...chosen, value] : chosen.filter((one) => one !== value))
            }
          />
          <span>
            {text}
            {hint && <span className="quiet"> – {hint}</span>}
          </span>
        </label>
      ))}
      <Notes id={id} hint={null} errors={errors} />
    </fieldset>
  )
}

interface SelectProps extends Omit<ComponentProps<'select'>, 'onChange'> {
  readonly label: string
  readonly choices: readonly { readonly value: string; readonly label: string }[]
  readonly onChange: (value: string) => void
}

/** A choice of a few words, as a filter above a list has it. */
export function Select({ label, choices, onChange, ...select }: SelectProps) {
  return (
    <label className={styles.select}>
      <span>{label}</span>
      <select {...select} onChange={({ target }) => onChange(target.value)}>
        {choices.map(({ value, label: text }) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

function Notes({ id, hint, errors }: { id: string; hint: ReactNode; errors: readonly string[] }) {
  return (
    <>
      {hint && (
        <div id={`${id}-hint`} className="quiet">
          {hint}
        </div>
      )}
      {errors.length > 0 && (
        <div id={`${id}-errors`} className={styles.errors}>
          {errors.map((text) => (
            <div key={text}>{text}</div>
          ))}
        </div>
      )}
    </>
  )
}

function describe(id: string, hint: ReactNode, errors: readonly string[]): string | undefined {
  return [hint && `${id}-hint`, errors.length > 0 && `${id}-errors`].filter(Boolean).join(' ') || undefined
}
