import { useState } from 'react'
import { BASE, type ResponseOf } from '../../api/call.ts'
import { Button } from '../../kit/button.tsx'
import { CopyButton } from '../../kit/failure.tsx'
import { Modal } from '../../kit/modal.tsx'
import { useText } from '../../text/text.ts'
import styles from './api-call.module.css'
import type { toBody } from './user-fields.tsx'

type NewUserBody = ReturnType<typeof toBody> & { readonly reseller?: string }

interface ApiCallProps {
  readonly organization: ResponseOf<'GET /organizations/:id'> | undefined
  readonly body: NewUserBody
}

/** Shows the call of the public API that does the same as the form. */
export function ApiCall({ organization, body }: ApiCallProps) {
  const { userForm: text, close } = useText()
  const [isOpen, setOpen] = useState(false)
  const curl = toCurl(organization, body)
  return (
    <div>
      <Button look="text" onClick={() => setOpen(true)}>
        {text.showCall}
      </Button>
      {isOpen && (
        <Modal title={text.showCall} isWide onClose={() => setOpen(false)}>
          <p>{text.callText}</p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: people scroll it by keyboard */}
          <pre className={styles.call} tabIndex={0}>
            {curl}
          </pre>
          <div className="row">
            <CopyButton value={curl} />
            <Button onClick={() => setOpen(false)}>{close}</Button>
          </div>
        </Modal>
      )}
    </div>
  )
}

const PATHS = {
  customer: (id: string) => `/v1/customer/${id}/users`,
  reseller: (id: string) => `/v1/reseller/${id}/users`,
  provider: () => '/v1/users',
} as const

function toCurl(organization: ApiCallProps['organization'], sent: NewUserBody): string {
  const { kind, id } = organization ?? { kind: 'customer', id: '$CUSTOMER' }
  const { groupIds, reseller, firstName, lastName, email } = sent
  const query = reseller ? `?resellerId=${reseller}` : ''
  const groups = groupIds.map((group) => ({ id: group }))
  const json = JSON.stringify({ firstName, lastName, email, role: {}, groups })
  return [
    `curl "${location.origin}${BASE}${PATHS[kind](id)}${query}"`,
    '-H "Authorization: Bearer $TOKEN" -H "X-Tenant: $PORTAL"',
    '-H "Content-Type: application/json"',
    `-d ${quote(json)}`,
  ].join(' \\\n  ')
}

/** Quotes a text for a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
