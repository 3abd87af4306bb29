import { join } from 'node:path'
import { type CreatePath, traceCreates } from './create-path.ts'
import { MAX_FUNCTION_LINES, readShape } from './shape.ts'

const SOURCE = join(import.meta.dirname, '../../src')

/** One figure that the code is held to. */
export interface Bar {
  readonly what: string
  readonly value: number
  /** The most that it may be. */
  readonly bar: number
  /** What the figure counts, a line each. */
  readonly details: readonly string[]
}

/**
 * Reads every figure anew: the source as text, and the way of one create of each dialect through the running program.
 * At 0.1.0 the ways were 29 files, 1,271 lines and 5 returns (portal), and 46 files, 2,456 lines and 13 returns (OSIS).
 */
export async function readBars(): Promise<Bar[]> {
  const { portal, osis } = await traceCreates()
  const { largestFile, longFunctions, undocumented, engineWords } = readShape(SOURCE)
  return [
    ...barsOfPath('portal create', portal, { files: 26, lines: 1_300, returns: 2 }),
    ...barsOfPath('OSIS create', osis, { files: 38, lines: 2_200, returns: 3 }),
    { what: 'largest file, lines', value: largestFile.lines, bar: 350, details: [largestFile.file] },
    barOf(`functions over ${MAX_FUNCTION_LINES} lines`, longFunctions),
    barOf('exported functions without a docstring', undocumented),
    barOf('engine words outside store', engineWords),
  ]
}

function barsOfPath(
  name: string,
  path: CreatePath,
  bars: { readonly files: number; readonly lines: number; readonly returns: number },
): Bar[] {
  const calls = path.calls.map(([callee, caller]) => `${callee} <- ${caller}`)
  const returns = path.returns.map(([callee, caller]) => `${callee} <- ${caller}`)
  return [
    { what: `${name}: files`, value: path.files, bar: bars.files, details: calls },
    { what: `${name}: lines`, value: path.lines, bar: bars.lines, details: [] },
    { what: `${name}: returns to a file left`, value: returns.length, bar: bars.returns, details: returns },
  ]
}

function barOf(what: string, found: readonly string[]): Bar {
  return { what, value: found.length, bar: 0, details: found }
}
