import { AsyncLocalStorage } from 'node:async_hooks'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listFunctions, toJavaScript } from './functions.ts'

// Loaded before the program (`node --import`). Wraps each function of the source, so that it records its first call and
// its caller. SIGUSR2 writes what was recorded since the last one, in order, to a file, and forgets it.

const SOURCE = process.env.TRACE_SOURCE ?? ''
const OUTPUT = process.env.TRACE_OUTPUT ?? ''

const callers = new AsyncLocalStorage<string>()
/** By function, the function that called it first. */
const called = new Map<string, string>()

/** Stands for the caller of everything that a background loop does. Such calls are not recorded. */
const LOOP = 'loop.ts'

function traceCall<T>(id: string, body: () => T): T {
  const caller = callers.getStore() ?? ''
  if (caller === LOOP || id.startsWith(LOOP)) return callers.run(LOOP, body)
  if (!called.has(id)) called.set(id, caller)
  return callers.run(id, body)
}

Object.assign(globalThis, { traceCall })

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:')) return nextLoad(url, context)
    const path = fileURLToPath(url)
    if (!path.startsWith(`${SOURCE}/`) || !path.endsWith('.ts')) return nextLoad(url, context)
    const source = instrument(relative(SOURCE, path), readFileSync(path, 'utf8'))
    return { format: 'module', source, shortCircuit: true }
  },
})

process.on('SIGUSR2', () => {
  // Renamed into place, so that a reader never finds half a file.
  writeFileSync(`${OUTPUT}.new`, JSON.stringify([...called]))
  renameSync(`${OUTPUT}.new`, OUTPUT)
  called.clear()
})

function instrument(file: string, source: string): string {
  const code = toJavaScript(source)
  const insertions = listFunctions(code).flatMap((one) => {
    if (one.isSpecial) return []
    const id = JSON.stringify(`${file}:${one.firstLine}-${one.lastLine}`)
    const open = `traceCall(${id}, ${one.isAsync ? 'async ' : ''}() => `
    if (!one.bodyIsBlock)
      return [
        { at: one.bodyStart, text: `${open}(` },
        { at: one.bodyEnd, text: '))' },
      ]
    return [
      { at: one.bodyStart + 1, text: `return ${open}{` },
      { at: one.bodyEnd - 1, text: '});' },
    ]
  })
  insertions.sort((one, other) => one.at - other.at)
  let [result, from] = ['', 0]
  for (const { at, text } of insertions) {
    result += code.slice(from, at) + text
    from = at
  }
  return result + code.slice(from)
}
