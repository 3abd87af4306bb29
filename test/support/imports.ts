import { posix } from 'node:path'

/** DESIGN.md section 3: which folder may import which others. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  store: ['model'],
  directory: ['model', 'store'],
  auth: ['model', 'directory'],
  platform: ['model'],
  webhooks: ['model', 'store', 'directory'],
  provisioning: ['model', 'store', 'directory', 'platform'],
  api: ['model', 'directory', 'auth', 'provisioning', 'webhooks'],
  cli: ['model', 'store', 'directory', 'auth', 'platform', 'provisioning', 'webhooks'],
}

/** Files at the root of src that put the folders together; the others there are leaves. */
const COMPOSITION = [
  ...['main.js', 'program.js', 'compile-cache.js', 'import-hook.js'],
  ...['app.ts', 'open-directory.ts', 'outages.ts'],
]
const SETTINGS = ['config.ts', 'settings.ts', 'setting-values.ts', 'issuers.ts']
const LEAVES = [...SETTINGS, 'escape.ts', 'logger.ts', 'metrics.ts', 'master-key.ts', 'version.ts']
/** Leaves that every folder but model may import. */
const SHARED = [
  'backoff.ts',
  'certificate-fault.ts',
  'csv.ts',
  'database-url.ts',
  'json-schema.ts',
  'lines.ts',
  'loop.ts',
  'make-folder.ts',
  'put-in-place.ts',
  'retry.ts',
  'share-for.ts',
]
/** The settings name the types of what they configure: an external issuer, a platform, an API. */
const LEAVES_MAY_IMPORT = ['model', 'auth', 'platform', ...LEAVES, ...SHARED]

/** The engines of the store. Only the file that opens a store may import them from outside. */
const ENGINES = ['store/sqlite', 'store/postgres']
const OPENER = 'store/open.ts'

/** Imports of types alone, in addition to the others: the settings of an API, and the log that is passed in. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  'config.ts': ['api'],
  'setting-values.ts': ['api'],
  provisioning: ['logger.ts'],
  api: ['logger.ts'],
}

const DIALECTS = ['partner', 'osis', 'oauth', 'system', 'console']

/** Third-party modules that only some parts may know. */
const OWNERS: readonly (readonly [module: RegExp, owners: readonly string[]])[] = [
  [/^kysely(\/|$)/, ['store']],
  [/^pg(\/|$)/, ['store/postgres']],
  [/^(node:)?sqlite(\/|$)/, ['store/sqlite']],
  [/^(fastify|@fastify\/[^/]+)(\/|$)/, ['api', 'app.ts']],
  [/^ajv(\/|$)/, ['api', 'issuers.ts']],
  [/^(typebox|@sinclair\/typebox)(\/|$)/, ['api', 'issuers.ts', 'json-schema.ts']],
  [/^(jose|openid-client)(\/|$)/, ['auth']],
  [/^(aws4|undici)(\/|$)/, ['platform']],
  [/^(commander|csv-parse)(\/|$)/, ['cli']],
  [/^libphonenumber-js(\/|$)/, ['model/phone.ts']],
]

/**
 * What in a source file breaks the import rules, one sentence each.
 * @param file its path from src
 */
export function findViolations(file: string, source: string): string[] {
  const code = withoutComments(source)
  const found = listImports(code).flatMap((one) => judge(file, one))
  // The program has its command line as TypeScript in a clone, and as JavaScript in a package.
  if (file !== 'program.js' && /\bimport\s*\(\s*(?!['"`])/.test(code))
    found.push('import() of something that is not written out')
  if (/\b(require|createRequire)\s*\(/.test(code)) found.push('require')
  if (/\bexport\s+default\b|\bas\s+default\b(?=[^'"]*\})/.test(code)) found.push('default export')
  // Only the program itself may end the process, when a stop takes too long.
  const exit = /\bprocess\s*\.\s*exit\b|\bexit\b[^;]*from\s*['"](node:)?process['"]/
  if (file !== 'program.js' && exit.test(code)) found.push('process.exit')
  return found.map((sentence) => `${file}: ${sentence}`)
}

/** The text without comments. Strings and templates stay as they are, so that `'http://…'` does not end a line. */
function withoutComments(source: string): string {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g
  return source.replace(token, (text) => (text.startsWith('/') ? ' ' : text))
}

const SPECIFIERS = [
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])([^'"]+)\1/g,
  /\bimport\s*(['"])([^'"]+)\1/g,
  /\bimport\s*\(\s*(['"`])([^'"`]+)\1/g,
  /\bgetBuiltinModule\s*\(\s*(['"`])([^'"`]+)\1/g,
]

interface Import {
  readonly specifier: string
  /** Whether it is written `import type`, which leaves nothing of it at run time. */
  readonly typesOnly: boolean
  /** Whether it is a call of `process.getBuiltinModule`. */
  readonly builtin: boolean
}

/** Everything that the code imports, in any of the ways that the language has. */
function listImports(code: string): Import[] {
  return SPECIFIERS.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([text, , specifier = '']) => ({
      specifier,
      typesOnly: /^import\s+type\b/.test(text),
      builtin: text.startsWith('getBuiltinModule'),
    })),
  )
}

function judge(file: string, { specifier, typesOnly, builtin }: Import): string[] {
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file), specifier)
    return typesOnly && MAY_IMPORT_TYPES[partOf(file)]?.includes(partOf(target)) ? [] : judgeOwn(file, target)
  }
  // Its values load hundreds of modules at every start.
  if (specifier === 'typebox' && !typesOnly)
    return ['typebox gives types only; take Type from json-schema.ts']
  // An import reads all members, and with them loads Node's WebSocket and fetch.
  if (/^(node:)?http$/.test(specifier) && !typesOnly && !builtin)
    return ['node:http slows the start; take it from process.getBuiltinModule']
  const owner = OWNERS.find(([module]) => module.test(specifier))
  if (!owner || owner[1].some((part) => file === part || file.startsWith(`${part}/`))) return []
  return [`${specifier} belongs to ${owner[1].join(', ')}`]
}

/** The first folder of a path, or the file itself when it lies at the root. */
function partOf(file: string): string {
  return file.split('/')[0] ?? file
}

function judgeOwn(file: string, target: string): string[] {
  const from = partOf(file)
  const to = partOf(target)
  if (target === '../package.json') return []
  if (to === '..') return [`${target} leaves src`]
  const engine = ENGINES.find((folder) => target.startsWith(`${folder}/`))
  if (engine && file !== OPENER && !file.startsWith(`${engine}/`))
    return [`only ${OPENER} may import ${engine}`]
  if (COMPOSITION.includes(from) || (SHARED.includes(to) && from !== 'model')) return []
  if (SHARED.includes(from)) return [`${from} may not import ${to}`]
  if (LEAVES.includes(from)) return LEAVES_MAY_IMPORT.includes(to) ? [] : [`${from} may not import ${to}`]
  const allowed = MAY_IMPORT[from]
  if (!allowed) return [`${from} is not a folder of the layout`]
  if (from === 'api' && to === 'api') return judgeDialects(file, target)
  // The command line starts the whole program, so it may have the composition root and the settings.
  const ofRoot = [...COMPOSITION, ...LEAVES].includes(to)
  if (to === from || allowed.includes(to) || (from === 'cli' && ofRoot)) return []
  return [`${from} may not import ${to}`]
}

function judgeDialects(file: string, target: string): string[] {
  const [one, other] = [file.split('/')[1] ?? '', target.split('/')[1] ?? '']
  if (!DIALECTS.includes(one) || !DIALECTS.includes(other) || one === other) return []
  return [`dialect ${one} may not import dialect ${other}`]
}
