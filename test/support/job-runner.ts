import { readConfig } from '../../src/config.ts'
import { operatorContext } from '../../src/directory/context.ts'
import { beginJob } from '../../src/directory/jobs/jobs.ts'
import type { JobKind } from '../../src/directory/jobs/kind.ts'
import { JobRunner } from '../../src/directory/jobs/runner.ts'
import { runUnit } from '../../src/directory/unit.ts'
import { openDirectory } from '../../src/open-directory.ts'

/*
 * A process that runs a job which counts, until it is killed: each step writes an audit entry with its number. The
 * argument is the number of steps; with `begin` as well, it begins the job first. It prints a line for each step.
 */

const [steps, begin] = process.argv.slice(2)

const counting: JobKind<{ readonly steps: number }, number> = {
  operation: 'DeleteOrganization',
  async step(unit, { input, cursor }) {
    const step = (cursor ?? 0) + 1
    await unit.audit({ outcome: 'deleted', target: String(step) })
    process.stdout.write('.')
    return step === input.steps ? { result: { step }, done: step } : { cursor: step, done: step }
  },
}

const { dir } = await openDirectory(await readConfig(process.env), { create: false, serving: true })
if (begin) {
  const ctx = await operatorContext(dir)
  await runUnit(dir, ctx, { operation: 'DeleteOrganization' }, (unit) =>
    beginJob(unit, counting, { input: { steps: Number(steps) } }),
  )
}
await dir.store.dropStaleLeases()
new JobRunner(dir, [counting], {
  error: (fields) => process.stderr.write(`${JSON.stringify(fields)}\n`),
}).start()
setInterval(() => undefined, 60_000)
