import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Config, createConfig, lintFromString } from '@redocly/openapi-core'
import spectralCore, { type RulesetDefinition } from '@stoplight/spectral-core'
import spectralRulesets from '@stoplight/spectral-rulesets'
import { DOCUMENTS } from './support/openapi.ts'

const ROOT = join(import.meta.dirname, '..')
const spectral = new spectralCore.Spectral()
spectral.setRuleset({ extends: [[spectralRulesets.oas as RulesetDefinition, 'recommended']] })

// `docs/openapi` holds what the server serves; another test compares them.
for (const name of DOCUMENTS) {
  const file = join(ROOT, 'docs/openapi', `${name}.json`)
  const source = readFileSync(file, 'utf8')

  test(`${name}.json keeps all of redocly's recommended rules`, async () => {
    const config: Config = await createConfig({ extends: ['recommended'] })
    const problems = await lintFromString({ source, absoluteRef: file, config })
    assert.deepEqual(
      problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`),
      [],
    )
  })

  test(`${name}.json keeps all of spectral's rules for OpenAPI`, async () => {
    const problems = await spectral.run(source)
    assert.deepEqual(
      problems.map(({ code, message, path }) => `${code} ${path.join('/')}: ${message}`),
      [],
    )
  })
}

test('both linters find what is wrong', async () => {
  const broken = JSON.stringify({ openapi: '3.1.0', info: { title: 'x', version: '1' }, paths: {} })
  const config = await createConfig({ extends: ['recommended'] })
  assert.ok((await lintFromString({ source: broken, config })).length > 0)
  assert.ok((await spectral.run(broken)).length > 0)
})
