import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DockerfileParser, type Instruction } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { newDataDir, runUsher } from '../../testing/usher.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A Dockerfile, and what is wrong with it by the linter and by the rules of this project. */
function lint(text: string): string[] {
  const syntax = validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)
  const instructions = DockerfileParser.parse(text).getInstructions()
  const of = (keyword: string): Instruction[] =>
    instructions.filter((one) => one.getKeyword().toUpperCase() === keyword)
  const argumentsOf = (one: Instruction): string => one.getArgumentsContent() ?? ''
  const found = [...syntax]
  const last = instructions.findLastIndex((one) => one.getKeyword().toUpperCase() === 'FROM')
  const final = instructions.slice(last)

  for (const from of of('FROM')) {
    const image = argumentsOf(from).split(' ')[0] ?? ''
    if (image.split('/').length > 1) found.push(`${image} names a registry`)
    if (!/:\d/.test(image)) found.push(`${image} names no version`)
  }
  const user = final.filter((one) => one.getKeyword() === 'USER').at(-1)
  if (!user || /^(root|0)\b/.test(argumentsOf(user))) found.push('it runs as root')
  for (const keyword of ['HEALTHCHECK', 'VOLUME', 'ENTRYPOINT', 'CMD']) {
    if (!final.some((one) => one.getKeyword() === keyword)) found.push(`${keyword} is missing`)
  }
  for (const one of [...of('ENTRYPOINT'), ...of('CMD')]) {
    // A shell would be process 1, and would not pass signals on.
    if (!argumentsOf(one).startsWith('[')) found.push(`${one.getKeyword()} runs in a shell`)
  }
  for (const one of [...of('ENV'), ...of('ARG')]) {
    if (/secret|password|token|MASTER_KEY(?!_FILE)/i.test(argumentsOf(one)))
      found.push('a layer holds a secret')
  }
  if (of('ADD').length > 0) found.push('ADD also unpacks and downloads; COPY does not')
  for (const one of of('COPY'))
    if (/^\. |(^| )\.\/? /.test(argumentsOf(one))) found.push('it copies everything')
  for (const one of of('RUN')) {
    if (/npm (i|install)\b/.test(argumentsOf(one))) found.push('npm install ignores the lock file')
    if (/\bsudo\b|curl .*\|/.test(argumentsOf(one))) found.push('it runs what it downloads')
  }
  return found
}

const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')

test('the Dockerfile keeps every rule', () => {
  assert.deepEqual(lint(DOCKERFILE), [])
})

test('the image and the unit refuse an empty directory by default', async (t) => {
  const [, command = ''] = /^CMD (.*)$/m.exec(DOCKERFILE) ?? []
  const unit = readFileSync(join(ROOT, 'deploy/usher.service'), 'utf8')
  const [, ofUnit = ''] = /^ExecStart=.*main\.js (.*)$/m.exec(unit) ?? []
  const { path, remove } = newDataDir()
  t.after(remove)
  for (const args of [JSON.parse(command) as string[], ofUnit.split(' ')]) {
    const { code, stderr } = await runUsher(path, args)
    assert.equal(code, 1)
    assert.match(stderr, /usher init/)
    assert.deepEqual(readdirSync(path), [])
  }
})

test('the context of the build holds only what the Dockerfile copies', () => {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'))
  assert.deepEqual(rules, [
    '*',
    '!package.json',
    '!package-lock.json',
    '!runtime',
    '!src',
    '!console',
    'console/dist*',
  ])
})

const WRONG: readonly (readonly [change: (text: string) => string, fault: RegExp])[] = [
  [(text) => text.replace('FROM node:26', 'FROM docker.io/library/node:26'), /names a registry/],
  [(text) => text.replaceAll('node:26-bookworm-slim', 'node:latest'), /names no version/],
  [(text) => text.replaceAll('USER node', 'USER root'), /runs as root/],
  [(text) => text.replace(/^USER node\nVOLUME/m, 'VOLUME'), /runs as root/],
  [(text) => text.replace(/^HEALTHCHECK[^\n]*\n[^\n]*$/m, ''), /HEALTHCHECK is missing/],
  [(text) => text.replace(/^CMD .*$/m, 'CMD serve'), /CMD runs in a shell/],
  [(text) => text.replace('ENV NODE_ENV', 'ENV USHER_MASTER_KEY=x NODE_ENV'), /holds a secret/],
  [(text) => text.replace('COPY src src', 'ADD src src'), /COPY does not/],
  [(text) => text.replace('COPY src src', 'COPY . .'), /copies everything/],
  [(text) => text.replace('npm ci', 'npm install'), /ignores the lock file/],
  [(text) => text.replace('RUN npm', 'RUNS npm'), /line \d+: Unknown instruction/],
]

for (const [change, fault] of WRONG) {
  test(`the rules find ${fault.source}`, () => {
    const changed = change(DOCKERFILE)
    assert.notEqual(changed, DOCKERFILE)
    assert.ok(
      lint(changed).some((one) => fault.test(one)),
      lint(changed).join('\n'),
    )
  })
}
