import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuditEntry, OPERATIONS } from '../../src/model/audit.ts'
import { EVENT_OPERATIONS, isEvent } from '../../src/model/webhooks.ts'

test('only operations that a webhook can name have events', () => {
  const made = OPERATIONS.filter((operation) =>
    isEvent({ operation, status: 'Succeeded', outcome: 'updated' } as AuditEntry),
  )
  assert.deepEqual(made.sort(), EVENT_OPERATIONS)
  for (const reads of ['VerifyAudit', 'ExportAudit'] as const) assert.ok(!made.includes(reads))
})
