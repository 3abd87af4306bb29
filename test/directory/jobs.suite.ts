import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  beginJob,
  deleteOldJobs,
  getJob,
  KEEP_JOBS_MS,
  listJobs,
  resumeJob,
  stopJob,
} from '../../src/directory/jobs/jobs.ts'
import type { JobKind } from '../../src/directory/jobs/kind.ts'
import { JobRunner } from '../../src/directory/jobs/runner.ts'
import { newUnit, runUnit } from '../../src/directory/unit.ts'
import type { Context } from '../../src/model/context.ts'
import { DirectoryError } from '../../src/model/error.ts'
import { newId } from '../../src/model/ids.ts'
import type { Job } from '../../src/model/jobs.ts'
import {
  addClient,
  addOrganization,
  newTestDirectory,
  readAudit,
  refusedAs,
  type TestDirectory,
} from '../support/directories.ts'
import type { OpenStore } from '../support/stores.ts'

interface Input {
  readonly steps: number
}

type Counting = JobKind<Input, number>

/** Each step writes an audit entry with its number. `before` runs first in each step, and may throw. */
function newCounting(before: (step: number) => void = () => undefined): Counting {
  return {
    operation: 'DeleteOrganization',
    async step(unit, { input, cursor }) {
      const step = (cursor ?? 0) + 1
      before(step)
      await unit.audit({ outcome: 'deleted', target: String(step) })
      if (step === input.steps) return { result: { steps: step }, done: step }
      return { cursor: step, done: step, total: input.steps }
    },
  }
}

/** Begins a job in the unit of an operation. */
function begin(on: TestDirectory, ctx: Context, kind: Counting, steps = 3): Promise<string> {
  const subject = { operation: 'DeleteOrganization' } as const
  return runUnit(on.dir, ctx, subject, (unit) =>
    beginJob(unit, kind, { input: { steps }, target: on.customerId, total: steps }),
  )
}

const errors: unknown[] = []
const quiet = { error: (fields: object) => errors.push(fields) }

async function stepsOf({ dir }: TestDirectory): Promise<(string | null)[]> {
  const entries = await readAudit(dir)
  return entries
    .filter(({ operation }) => operation === 'DeleteOrganization')
    .map(({ target }) => target)
    .reverse()
}

/** Jobs: rows with a lease, steps that commit their work and their cursor together, stop and resume. */
export function jobsSuite(open: OpenStore): void {
  describe('jobs', () => {
    test('a job runs all its steps once, as its caller, and keeps its result', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting()
      const id = await begin(on, on.operator, kind)
      const waiting = await getJob(on.dir, on.operator, id)
      assert.deepEqual(
        [waiting.state, waiting.done, waiting.total, waiting.startedAt],
        ['waiting', 0, 3, null],
      )
      await new JobRunner(on.dir, [kind], quiet).drain()
      const job = await getJob(on.dir, on.operator, id)
      assert.deepEqual([job.state, job.done, job.total, job.result], ['succeeded', 3, 3, { steps: 3 }])
      assert.deepEqual(
        [job.target, job.endedAt, job.error],
        [on.customerId, on.clock.now.toISOString(), null],
      )
      assert.deepEqual(await stepsOf(on), ['1', '2', '3'])
      const [entry] = await readAudit(on.dir)
      assert.deepEqual(
        [entry?.caller, entry?.correlationId],
        [{ kind: 'operator' }, on.operator.correlationId],
      )
    })

    test('several runners share the jobs, and no step runs twice', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting()
      for (let i = 0; i < 6; i++) await begin(on, on.operator, kind, 4)
      await Promise.all([1, 2, 3].map(() => new JobRunner(on.dir, [kind], quiet).drain()))
      const jobs = await listJobs(on.dir, on.operator, { limit: 10 })
      assert.deepEqual(new Set(jobs.map(({ state }) => state)), new Set(['succeeded']))
      assert.equal((await stepsOf(on)).length, 24)
    })

    test('a runner leaves jobs of kinds that it does not know', async () => {
      const on = await newTestDirectory(open)
      const id = await begin(on, on.operator, newCounting())
      await new JobRunner(on.dir, [], quiet).drain()
      assert.equal((await getJob(on.dir, on.operator, id)).state, 'waiting')
    })

    test('a stopped job keeps what it did, and goes on there when it is resumed', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting()
      const id = await begin(on, on.operator, kind)
      const runner = new JobRunner(on.dir, [kind], quiet)
      const [{ pk } = { pk: 0 }] = await listJobs(on.dir, on.operator, { limit: 1 })
      const stopping = new AbortController()
      const report = (): void => stopping.abort()
      assert.equal(await runner.run(pk, { stopping: stopping.signal, report }), 'paused')
      assert.deepEqual(pick(await stopJob(on.dir, on.operator, id)), ['stopped', 1])
      assert.deepEqual(pick(await stopJob(on.dir, on.operator, id)), ['stopped', 1])
      assert.equal(await runner.run(pk, { stopping: new AbortController().signal, report }), 'lost')
      await runner.drain()
      assert.deepEqual(pick(await getJob(on.dir, on.operator, id)), ['stopped', 1])
      assert.deepEqual(pick(await resumeJob(on.dir, on.operator, id)), ['waiting', 1])
      await runner.drain()
      assert.deepEqual(pick(await getJob(on.dir, on.operator, id)), ['succeeded', 3])
      assert.deepEqual(await stepsOf(on), ['1', '2', '3'])
      await assert.rejects(stopJob(on.dir, on.operator, id), refusedAs('job_ended'))
      await assert.rejects(resumeJob(on.dir, on.operator, id), refusedAs('job_ended'))
    })

    test('a command keeps its job while a server starts', async () => {
      const on = await newTestDirectory(open)
      const kind: Counting = {
        ...newCounting(),
        prepare: async (dir) => {
          await dir.store.dropStaleLeases()
          return undefined
        },
      }
      await begin(on, on.operator, kind)
      const [{ pk } = { pk: 0 }] = await listJobs(on.dir, on.operator, { limit: 1 })
      const options = { stopping: new AbortController().signal, report: () => undefined }
      assert.equal(await new JobRunner(on.dir, [kind], quiet).run(pk, options), 'ended')
    })

    test('a job that is stopped while a step runs does not store that step', async () => {
      const on = await newTestDirectory(open)
      let id = ''
      const kind: JobKind<Input, number> = {
        ...newCounting(),
        // Outside of the unit of the step, as when a file is read.
        prepare: async (dir, { done }) => {
          if (done === 1) await stopJob(dir, on.operator, id)
          return undefined
        },
      }
      id = await begin(on, on.operator, kind)
      await new JobRunner(on.dir, [kind], quiet).drain()
      assert.deepEqual(pick(await getJob(on.dir, on.operator, id)), ['stopped', 1])
      assert.deepEqual(await stepsOf(on), ['1'])
    })

    test('the job of a process that died is taken over when its lease has expired', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting()
      const id = await begin(on, on.operator, kind)
      const { promise: never } = Promise.withResolvers<undefined>()
      let prepared = 0
      const dying: Counting = {
        ...kind,
        prepare: () => (++prepared === 2 ? never : Promise.resolve(undefined)),
      }
      void new JobRunner(on.dir, [dying], quiet).drain()
      while (prepared < 2) await new Promise(setImmediate)
      const other = new JobRunner(on.dir, [kind], quiet)
      await other.drain()
      assert.deepEqual(pick(await getJob(on.dir, on.operator, id)), ['running', 1])
      on.clock.now = new Date(on.clock.now.getTime() + 31_000)
      await other.drain()
      assert.deepEqual(pick(await getJob(on.dir, on.operator, id)), ['succeeded', 3])
      assert.deepEqual(await stepsOf(on), ['1', '2', '3'])
    })

    test('a step that fails is undone and repeated with pauses; after many failures the job has failed', async () => {
      const on = await newTestDirectory(open)
      let isBroken = true
      const kind = newCounting((step) => {
        if (isBroken && step === 2) throw new Error('broken')
      })
      const id = await begin(on, on.operator, kind)
      const runner = new JobRunner(on.dir, [kind], quiet)
      for (let failures = 0; (await getJob(on.dir, on.operator, id)).state !== 'failed'; failures++) {
        assert.ok(failures < 10)
        await runner.drain()
        on.clock.now = new Date(on.clock.now.getTime() + 60_000)
      }
      const failed = await getJob(on.dir, on.operator, id)
      assert.match(failed.error ?? '', /unexpected error/)
      assert.deepEqual(await stepsOf(on), ['1'])
      isBroken = false
      await resumeJob(on.dir, on.operator, id)
      await runner.drain()
      assert.deepEqual(pick(await getJob(on.dir, on.operator, id)), ['succeeded', 3])
      assert.deepEqual(await stepsOf(on), ['1', '2', '3'])
    })

    test('a job that ends every process that runs it has failed after a while', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting()
      const id = await begin(on, on.operator, kind)
      const { promise: never } = Promise.withResolvers<undefined>()
      let deaths = 0
      const dying: Counting = {
        ...kind,
        prepare: () => {
          deaths++
          return never
        },
      }
      while ((await getJob(on.dir, on.operator, id)).state !== 'failed') {
        const before = deaths
        void new JobRunner(on.dir, [dying], quiet).drain()
        while (deaths === before && (await getJob(on.dir, on.operator, id)).state !== 'failed')
          await new Promise(setImmediate)
        on.clock.now = new Date(on.clock.now.getTime() + 31_000)
        assert.ok(deaths < 20)
      }
      assert.equal(deaths, 16)
      assert.match((await getJob(on.dir, on.operator, id)).error ?? '', /several times in a row/)
    })

    test('a refusal of the directory ends a job with its message', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting(() => {
        throw new DirectoryError('customer_not_found', 'The customer is gone.')
      })
      const id = await begin(on, on.operator, kind)
      await new JobRunner(on.dir, [kind], quiet).drain()
      const { state, error } = await getJob(on.dir, on.operator, id)
      assert.deepEqual([state, error], ['failed', 'The customer is gone.'])
    })

    test('a step can wait', async () => {
      const on = await newTestDirectory(open)
      const kind: Counting = {
        operation: 'DeleteOrganization',
        step: async (_, { cursor }) => (cursor === null ? { cursor: 1, waitMs: 60_000 } : { result: null }),
      }
      const id = await begin(on, on.operator, kind)
      const runner = new JobRunner(on.dir, [kind], quiet)
      await runner.drain()
      assert.equal((await getJob(on.dir, on.operator, id)).state, 'waiting')
      on.clock.now = new Date(on.clock.now.getTime() + 60_000)
      await runner.drain()
      assert.equal((await getJob(on.dir, on.operator, id)).state, 'succeeded')
    })

    test('a job is seen in its context and above it, and nowhere else', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting()
      const other = await addOrganization(on, 'reseller')
      const contexts = {
        provider: on.provider,
        reseller: await addClient(on, on.resellerId, 'viewer'),
        customer: await addClient(on, on.customerId, 'viewer'),
        other: await addClient(on, other.id, 'viewer'),
      }
      const seen = async (id: string): Promise<string[]> => {
        const names: string[] = []
        for (const [name, ctx] of Object.entries(contexts)) {
          const found = await getJob(on.dir, ctx, id).catch(refusedAs('job_not_found'))
          if (found !== true) names.push(name)
        }
        return names
      }
      assert.deepEqual(await seen(await beginAs(on, contexts.provider, kind)), ['provider'])
      assert.deepEqual(await seen(await beginAs(on, contexts.reseller, kind)), ['provider', 'reseller'])
      assert.deepEqual(await seen(await beginAs(on, contexts.customer, kind)), [
        'provider',
        'reseller',
        'customer',
      ])
      assert.deepEqual(await seen(newId()), [])
    })

    test('ended jobs are kept for 90 days', async () => {
      const on = await newTestDirectory(open)
      const kind = newCounting()
      const id = await begin(on, on.operator, kind)
      await new JobRunner(on.dir, [kind], quiet).drain()
      on.clock.now = new Date(on.clock.now.getTime() + KEEP_JOBS_MS)
      assert.equal(await deleteOldJobs(on.dir), 0)
      on.clock.now = new Date(on.clock.now.getTime() + 1)
      assert.equal(await deleteOldJobs(on.dir), 1)
      await assert.rejects(getJob(on.dir, on.operator, id), refusedAs('job_not_found'))
    })
  })
}

/** Begins a job past the access rule of its operation, as another use case would. */
function beginAs(on: TestDirectory, ctx: Context, kind: Counting): Promise<string> {
  const subject = { operation: 'DeleteOrganization' } as const
  return on.dir.store.write((tx) =>
    beginJob(newUnit(on.dir, ctx, subject, tx), kind, { input: { steps: 1 } }),
  )
}

function pick({ state, done }: Job): [string, number] {
  return [state, done]
}
