import type { Static } from 'typebox'
import type { Directory } from '../../directory/directory.ts'
import { getJob } from '../../directory/jobs/jobs.ts'
import { Type } from '../../json-schema.ts'
import { JOB_STATES, type Job } from '../../model/jobs.ts'
import { type Route, route } from '../route.ts'
import { failures, Headers, nullable, Responds, uuid } from './schemas.ts'

const JobViewModel = Type.Object(
  {
    id: uuid('The id of the job.'),
    operation: Type.String({ description: 'What the job does, as the audit log names it.' }),
    state: Type.Unsafe<Job['state']>({
      type: 'string',
      enum: [...JOB_STATES],
      description: 'A stopped or failed job goes on when the operator resumes it; `succeeded` is final.',
    }),
    target: nullable('The id of the thing that the job is about.'),
    progress: Type.Object({
      done: Type.Integer({ description: 'How many items are done.' }),
      total: Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        description: 'How many items there are; null while it is not known.',
      }),
    }),
    result: Type.Unsafe<unknown>({ description: 'What the job returns once it has succeeded; null before.' }),
    error: nullable('Why the last step failed; null if it did not.'),
    createdAt: Type.String({ format: 'date-time', description: 'When the job was begun.' }),
    startedAt: nullable('When its first step began.', 'date-time'),
    endedAt: nullable('When it succeeded or failed.', 'date-time'),
  },
  {
    title: 'JobViewModel',
    description: 'Long work that goes on after the call that began it.',
    examples: [
      {
        id: '01932d3e-7f4a-7c1e-9d55-2f6a8f0b1c2d',
        operation: 'DeleteCustomer',
        state: 'running',
        target: '01932d3e-0b7e-7f52-8a4e-5a1d3a9c7e10',
        progress: { done: 1000, total: 100000 },
        result: null,
        error: null,
        createdAt: '2026-11-22T08:00:00.000Z',
        startedAt: '2026-11-22T08:00:00.500Z',
        endedAt: null,
      },
    ],
  },
)

/** The route of jobs, which the documents of the partner portal do not have. */
export const jobRoutes: readonly Route<Directory>[] = [
  route({
    operation: 'GetJob',
    subject: { target: 'jobId' },
    method: 'GET',
    url: '/jobs/:jobId',
    document: {
      operationId: 'GetJob',
      tags: ['Jobs'],
      ours: true,
      summary: 'Get a job',
      description:
        'Ours. Returns the state and the progress of a job that was begun in the context of the call, or below it. ' +
        'A `202` names it in `Location`. Jobs are kept for 90 days after their end.',
    },
    schemas: {
      headers: Headers,
      params: Type.Object({ jobId: uuid('GUID Unique identifier for the job.') }),
    },
    responses: { 200: Responds(JobViewModel, 'OK: the job.'), ...failures },
    async handle({ ctx, params }, dir) {
      return { status: 200, body: toViewModel(await getJob(dir, ctx, params.jobId)) }
    },
  }),
]

function toViewModel(job: Job): Static<typeof JobViewModel> {
  const { id, kind, state, target, done, total, result, error, createdAt, startedAt, endedAt } = job
  const progress = { done, total }
  return { id, operation: kind, state, target, progress, result, error, createdAt, startedAt, endedAt }
}
