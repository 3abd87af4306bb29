import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SETTINGS, type Setting } from '../../src/settings.ts'

/** The document that has the table of the settings between two markers. */
export const OPERATING = join(import.meta.dirname, '../../docs/operating.md')

/** Returns the document with the table as the settings are now. */
export function renewSettings(): string {
  const text = readFileSync(OPERATING, 'utf8')
  const [before, rest] = text.split('<!-- settings:begin -->')
  const after = rest?.split('<!-- settings:end -->')[1]
  if (after === undefined) throw new Error(`there are no markers in ${OPERATING}`)
  return `${before}<!-- settings:begin -->\n\n${formatSettings()}\n\n<!-- settings:end -->${after}`
}

function formatSettings(): string {
  const rows = Object.values<Setting>(SETTINGS).map(
    ({ name, doc, ...setting }) => `| \`${name}\` | ${formatDefault(setting)} | ${doc} |`,
  )
  return ['| Setting | Default | Meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

function formatDefault({ byDefault, ifAbsent = 'none' }: Pick<Setting, 'byDefault' | 'ifAbsent'>): string {
  return byDefault === undefined ? ifAbsent : `\`${byDefault}\``
}
