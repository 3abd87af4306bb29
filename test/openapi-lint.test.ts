import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Config, createConfig, lintFromString } from '@redocly/openapi-core'
import spectralCore, { type RulesetDefinition } from '@stoplight/spectral-core'
import spectralRulesets from '@stoplight/spectral-rulesets'
import { DOCUMENTS, readDocuments } from './support/openapi.ts'

const ROOT = join(import.meta.dirname, '..')
const spectral = new spectralCore.Spectral()
spectral.setRuleset({ extends: [[spectralRulesets.oas as RulesetDefinition, 'recommended']] })

/** Returns what redocly and spectral find in a document. */
async function lint(source: string): Promise<string[]> {
  const config: Config = await createConfig({ extends: ['recommended'] })
  const ofRedocly = await lintFromString({ source, absoluteRef: join(ROOT, 'openapi.json'), config })
  const ofSpectral = await spectral.run(source)
  return [
    ...ofRedocly.map(
      ({ ruleId, message, location }) => `redocly ${ruleId} ${location[0]?.pointer}: ${message}`,
    ),
    ...ofSpectral.map(({ code, message, path }) => `spectral ${code} ${path.join('/')}: ${message}`),
  ]
}

/** The documents without their servers that were linted: a lint of a large one takes a second. */
const linted = new Set<string>()

/** Returns what `lint` finds, or nothing for a document that only differs from a linted one in its servers. */
async function lintOnce(source: string): Promise<string[]> {
  const { servers: _, ...rest } = JSON.parse(source) as Record<string, unknown>
  const key = JSON.stringify(rest)
  if (linted.has(key)) return []
  linted.add(key)
  return lint(source)
}

// `docs/openapi` holds what the server serves; another test compares them.
for (const name of DOCUMENTS) {
  test(`${name}.json keeps redocly's recommended rules and spectral's rules for OpenAPI`, async () => {
    assert.deepEqual(await lintOnce(readFileSync(join(ROOT, 'docs/openapi', `${name}.json`), 'utf8')), [])
  })
}

for (const USHER_OSIS_AUTH of ['basic', 'bearer']) {
  test(`the documents keep the rules with USHER_OSIS_AUTH=${USHER_OSIS_AUTH}, a prefix and a public URL`, async () => {
    const USHER_PUBLIC_URL = 'https://usher.provider.example'
    const served = await readDocuments({ USHER_OSIS_AUTH, USHER_OSIS_PREFIX: '/osis', USHER_PUBLIC_URL })
    for (const [name, source] of served) {
      assert.deepEqual(await lintOnce(source), [], name)
      assert.ok(source.includes(`"url": "${USHER_PUBLIC_URL}"`), name)
    }
  })
}

test('both linters find what is wrong', async () => {
  const broken = JSON.stringify({ openapi: '3.1.0', info: { title: 'x', version: '1' }, paths: {} })
  const found = await lint(broken)
  for (const linter of ['redocly', 'spectral'])
    assert.ok(
      found.some((one) => one.startsWith(linter)),
      linter,
    )
})
