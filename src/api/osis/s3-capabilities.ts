import type { PlatformFacts } from '../../provisioning/platform-view.ts'
import { newShapeCheck } from '../validation.ts'
import { CapabilitiesFile, type S3Capabilities } from './platform-schemas.ts'

/** Translates the S3 exclusions of a platform into the document of this API. */
export function toS3Capabilities(exclusions: PlatformFacts['s3Exclusions']): S3Capabilities {
  const entries = Object.entries(exclusions).map(([call, { whole, params, headers, payload }]) => [
    call,
    {
      ...(whole && { all: true }),
      ...(params && { by_params: [...params] }),
      ...(headers && { by_headers: [...headers] }),
      ...(payload && { by_payload: [...payload] }),
    },
  ])
  return { exclusions: Object.fromEntries(entries) }
}

const FORM = 'must hold JSON of the form {"exclusions": {"get_object": {"by_params": ["partNumber"]}}}'

/**
 * Parses an operator's document of S3 capabilities (section 6.2 of the contract).
 * @throws {Error} naming the first member that is wrong
 */
export function parseS3Capabilities(text: string): S3Capabilities {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new Error(FORM)
  }
  const [issue] = newShapeCheck(CapabilitiesFile)(document, 'the document')
  if (issue) throw new Error(`${FORM}: ${issue.path} ${issue.message}`)
  const { exclusions } = document as S3Capabilities
  return {
    exclusions: Object.fromEntries(
      Object.entries(exclusions).map(([call, exclusion]) => [call, normalize(exclusion)]),
    ),
  }
}

type Exclusion = S3Capabilities['exclusions'][string]

/** Removes empty lists. Without any list, an exclusion means the whole call, and `all` is added to say so. */
function normalize({ all, ...lists }: Exclusion): Exclusion {
  const given: Exclusion = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))
  return all || Object.keys(given).length === 0 ? { all: true, ...given } : given
}
