import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyBulkRows, beginBulk } from '../../src/directory/imports/bulk.ts'
import { newImportKind } from '../../src/directory/imports/import-job.ts'
import { beginImport, resumeImport } from '../../src/directory/imports/imports.ts'
import { beginUndo, newUndoKind } from '../../src/directory/imports/undo-job.ts'
import { toTextRow } from '../../src/model/person-rows.ts'
import { addOrganization, newTestDirectory } from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

/** Tests of imports that need no file. */
export function importsSuite(open: OpenStore): void {
  describe('imports', () => {
    test('an import that was undone before its end does not go on, and its file begins another one', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const customer = await addOrganization(on, 'customer')
      const source = { read: () => Promise.reject(new Error('no row is read')) }
      const request = {
        target: { organizationId: customer.id, resellerId: null },
        ...{ file: '/people.csv', contentHash: 'a'.repeat(64) },
        kind: newImportKind(dir, source, () => undefined),
      }
      const { import: first } = await beginImport(dir, operator, request)
      assert.equal((await resumeImport(dir, operator, first.id)).import.id, first.id)
      await beginUndo(dir, operator, { id: first.id, kind: newUndoKind(dir, () => undefined) })
      await assert.rejects(resumeImport(dir, operator, first.id), { code: 'job_ended', message: /undone/ })
      assert.notEqual((await beginImport(dir, operator, request)).import.id, first.id)
    })

    test('a file that several processes begin to import at the same moment is one import', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const { id: organizationId } = await addOrganization(on, 'customer')
      const source = { read: () => Promise.reject(new Error('no row is read')) }
      const request = {
        target: { organizationId, resellerId: null },
        ...{ file: '/people.csv', contentHash: 'b'.repeat(64) },
        kind: newImportKind(dir, source, () => undefined),
      }
      const begun = await Promise.all([1, 2, 3, 4].map(() => beginImport(dir, operator, request)))
      assert.equal(new Set(begun.map((one) => one.import.id)).size, 1)
    })

    test('a bulk call ends when its undo begins: the undo would miss later rows', async () => {
      const on = await newTestDirectory(open)
      const { dir, operator } = on
      const { id: organizationId } = await addOrganization(on, 'customer')
      const call = await beginBulk(dir, operator, { organizationId, resellerId: null })
      const apply = (email: string) => applyBulkRows(dir, operator, { call, rows: [toTextRow(1, { email })] })
      await apply('ada@example.com')
      await beginUndo(dir, operator, { id: call.id, kind: newUndoKind(dir, () => undefined) })
      await assert.rejects(apply('grace@example.com'), { code: 'job_ended', message: /undone/ })
    })
  })
}
