import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain } from '../../console/text/en/explain.ts'
import { newFormats } from '../../console/text/format.ts'
import { CAUSE_TEXTS, STEP_TEXTS, UNSEEN_TEXTS } from '../../src/cli/explain-texts.ts'

test('the command line and the console use the same words for steps and causes', () => {
  assert.deepEqual(explain.steps, STEP_TEXTS)
  assert.deepEqual(explain.causes, CAUSE_TEXTS)
  assert.deepEqual(explain.unseen, UNSEEN_TEXTS)
})

test('an exact time has its seconds and its zone, in both languages', () => {
  for (const locale of ['en-GB', 'de-DE'])
    assert.match(newFormats(locale).exactTime('2026-11-28T20:14:03.512Z'), /2026, \d\d:\d\d:03 \S+$/)
})
