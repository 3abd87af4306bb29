import { LinkButton } from '../kit/button.tsx'
import { Page } from '../kit/page.tsx'
import { useText } from '../text/text.ts'

/** What an address without a page shows. */
export function NotFound() {
  const { shell } = useText()
  return (
    <Page title={shell.notFound}>
      <p>{shell.notFoundText}</p>
      <div className="row">
        <LinkButton to="/users">{shell.users}</LinkButton>
      </div>
    </Page>
  )
}

/** The same outside the frame. */
export function LostPage() {
  return (
    <main>
      <NotFound />
    </main>
  )
}
