import { stripTypeScriptTypes } from 'node:module'
import { type Node, parse } from 'acorn'
import { full } from 'acorn-walk'

/** One function of a source file: a declaration, an expression, an arrow function or a method. */
export interface SourceFunction {
  /** The offset of its first character. */
  readonly start: number
  /** The offset behind its last character. */
  readonly end: number
  /** The offset of its body. A body that is no block is an expression, of an arrow function. */
  readonly bodyStart: number
  readonly bodyIsBlock: boolean
  readonly bodyEnd: number
  /** Lines, counted from 1, both included. */
  readonly firstLine: number
  readonly lastLine: number
  readonly isAsync: boolean
  /** Generators and constructors: their bodies cannot be moved into an arrow function. */
  readonly isSpecial: boolean
}

/** A function that a file exports by name. */
export interface ExportedFunction {
  readonly name: string
  readonly line: number
  /** Whether a `/** … *‍/` comment stands directly before it. */
  readonly documented: boolean
}

interface FunctionNode extends Node {
  readonly body: Node
  readonly async: boolean
  readonly generator: boolean
}

interface ExportNode extends Node {
  readonly declaration: (Node & { id?: { name: string } }) | null
}

const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

/**
 * A TypeScript source as JavaScript. Types become blanks, so offsets and lines stay as they are.
 * @param source TypeScript that Node can run by stripping its types
 */
export function toJavaScript(source: string): string {
  return stripTypeScriptTypes(source)
}

/**
 * Every function of a file, in the order of their first characters.
 * @param code JavaScript, see `toJavaScript`
 */
export function listFunctions(code: string): SourceFunction[] {
  const found: SourceFunction[] = []
  const constructors = new Set<Node>()
  const module = parseModule(code)
  full(module, (node) => {
    if (node.type !== 'MethodDefinition') return
    const { kind, value } = node as Node & { kind: string; value: Node }
    if (kind === 'constructor') constructors.add(value)
  })
  full(module, (node) => {
    if (!FUNCTIONS.includes(node.type)) return
    const { start, end, body, loc, async: isAsync, generator } = node as FunctionNode
    found.push({
      start,
      end,
      bodyStart: body.start,
      bodyIsBlock: body.type === 'BlockStatement',
      bodyEnd: body.end,
      firstLine: loc?.start.line ?? 0,
      lastLine: loc?.end.line ?? 0,
      isAsync,
      isSpecial: generator || constructors.has(node),
    })
  })
  return found.sort((one, other) => one.start - other.start)
}

/**
 * The functions that a file exports by name, with whether they carry a docstring.
 * @param source TypeScript
 */
export function listExportedFunctions(source: string): ExportedFunction[] {
  const code = toJavaScript(source)
  const found: ExportedFunction[] = []
  full(parseModule(code), (node) => {
    if (node.type !== 'ExportNamedDeclaration') return
    const { declaration, start, loc } = node as ExportNode
    if (declaration?.type !== 'FunctionDeclaration') return
    const documented = /\*\/\s*$/.test(source.slice(0, start))
    found.push({ name: declaration.id?.name ?? '', line: loc?.start.line ?? 0, documented })
  })
  return found
}

function parseModule(code: string): Node {
  return parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true, allowHashBang: true })
}
