import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain } from '../../console/text/en/explain.ts'
import { CAUSE_TEXTS, STEP_TEXTS, UNSEEN_TEXTS } from '../../src/cli/explain-texts.ts'

test('the command line and the console use the same words for steps and causes', () => {
  assert.deepEqual(explain.steps, STEP_TEXTS)
  assert.deepEqual(explain.causes, CAUSE_TEXTS)
  assert.deepEqual(explain.unseen, UNSEEN_TEXTS)
})
