import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { listExportedFunctions, listFunctions, toJavaScript } from './functions.ts'

/** The most lines that a function may have. Migrations are lists of statements, and stand outside. */
export const MAX_FUNCTION_LINES = 40

/** What `npm run measure` says of the source as text. */
export interface Shape {
  readonly largestFile: { readonly file: string; readonly lines: number }
  /** Functions of more than `MAX_FUNCTION_LINES` lines: `file:line (lines)`. */
  readonly longFunctions: readonly string[]
  readonly exportedFunctions: number
  /** `file:line name` of each exported function without a docstring. */
  readonly undocumented: readonly string[]
  /** `file:line` of each place outside `store` whose code depends on the engine. */
  readonly engineWords: readonly string[]
}

/** Members of the port that tell engines apart; a caller that reads one knows which engine it has. */
const ENGINE_WORDS = /\bstore\.(embedded|singleProcess|engine)\b|\btx\.addUser\b/

/**
 * Reads a source folder.
 * @param folder the path of a `src` folder
 */
export function readShape(folder: string): Shape {
  const files = listSources(folder).filter(({ file }) => !file.startsWith('store/migrations/'))
  const sizes = files.map(({ file, source }) => ({ file, lines: source.split('\n').length - 1 }))
  const exported = files.flatMap(({ file, source }) =>
    listExportedFunctions(source).map((one) => ({ ...one, at: `${file}:${one.line} ${one.name}` })),
  )
  return {
    largestFile: sizes.reduce((one, other) => (other.lines > one.lines ? other : one)),
    longFunctions: files.flatMap(listLong),
    exportedFunctions: exported.length,
    undocumented: exported.filter((one) => !one.documented).map((one) => one.at),
    engineWords: files.filter(({ file }) => !file.startsWith('store/')).flatMap(listEngineWords),
  }
}

interface SourceFile {
  readonly file: string
  readonly source: string
}

function listSources(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ file: relative(folder, path), source: readFileSync(path, 'utf8') }))
}

function listLong({ file, source }: SourceFile): string[] {
  return listFunctions(toJavaScript(source))
    .map(({ firstLine, lastLine }) => ({ firstLine, lines: lastLine - firstLine + 1 }))
    .filter(({ lines }) => lines > MAX_FUNCTION_LINES)
    .map(({ firstLine, lines }) => `${file}:${firstLine} (${lines})`)
}

function listEngineWords({ file, source }: SourceFile): string[] {
  return source.split('\n').flatMap((line, i) => (ENGINE_WORDS.test(line) ? [`${file}:${i + 1}`] : []))
}
