import assert from 'node:assert/strict'
import { test } from 'node:test'
import { de } from '../../console/text/de.ts'
import { en, type Text } from '../../console/text/en.ts'
import { newFormats } from '../../console/text/format.ts'
import { Problem } from '../../src/api/console/contract/parts.ts'
import { contract } from '../../src/api/console/contract.ts'
import { CAUSE_TEXTS, STEP_TEXTS, UNSEEN_TEXTS } from '../../src/cli/explain-texts.ts'

test('the command line and the console use the same words for steps and causes', () => {
  assert.deepEqual(en.explain.steps, STEP_TEXTS)
  assert.deepEqual(en.explain.causes, CAUSE_TEXTS)
  assert.deepEqual(en.explain.unseen, UNSEEN_TEXTS)
})

test('a time in a text has its date and zone, an exact time its seconds too, in both languages', () => {
  const at = '2026-11-28T20:14:03.512Z'
  for (const locale of ['en-GB', 'de-DE']) {
    assert.match(newFormats(locale).time(at), /2026, \d\d:\d\d \S+$/)
    assert.match(newFormats(locale).exactTime(at), /2026, \d\d:\d\d:03 \S+$/)
  }
  const unapplied = { since: at, attempts: 2, cause: 'refused', error: 'no', nextAt: at } as const
  const zoned = /\d\d:\d\d \w+/g
  assert.equal(en.explain.reasons.failing(unapplied).match(zoned)?.length, 2)
  assert.equal(de.explain.reasons.failing(unapplied).match(zoned)?.length, 2)
})

/** The part of a JSON Schema that is looked at. */
interface Node {
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly anyOf?: readonly Node[]
  readonly items?: Node
  readonly content?: Readonly<Record<string, { readonly schema: Node }>>
}

/** Lists the codes of a response, each with its place: `GET /users items.state`, `active`. */
function* listCodes(node: Node, at: string): Generator<readonly [place: string, code: string]> {
  for (const code of node.enum ?? []) if (typeof code === 'string') yield [at, code]
  for (const [name, member] of Object.entries(node.properties ?? {}))
    yield* listCodes(member, `${at}.${name}`)
  for (const choice of node.anyOf ?? []) yield* listCodes(choice, at)
  for (const { schema } of Object.values(node.content ?? {})) yield* listCodes(schema, at)
  if (node.items) yield* listCodes(node.items, at)
}

type Words = (text: Text) => Readonly<Record<string, unknown>>

/** Where the words for codes are, by the end of the place; the first that fits. */
const PLACES: readonly (readonly [end: RegExp, words: Words])[] = [
  [/\bfind\.hits\.kind$/, ({ finder }) => finder.groups],
  [/\bfind\.hits\.state$/, ({ finder }) => finder.states],
  [/\bfind\.hits\.match$/, ({ finder }) => finder.matches],
  [/\bsteps\.code$|\.failed$/, ({ explain }) => ({ ...explain.steps, ...explain.failed })],
  [/\bsteps\.state$/, ({ explain }) => explain.states],
  [/\breason\.code$/, ({ explain }) => explain.reasons],
  [/\bnext\.code$|\.step$/, ({ explain }) => explain.next],
  [/\bunseen$/, ({ explain }) => explain.unseen],
  [/\bcause(\.code)?$/, ({ explain }) => explain.causes],
  [/\bkinds$|\bdrift\.kind$/, ({ drift }) => drift],
  [/\bhealth$/, ({ health }) => health],
  [
    /\b(has|needed)$/,
    ({ permissions, kinds, callerKinds }) => ({ ...permissions, ...kinds, ...callerKinds }),
  ],
  [/\battempts\.outcome$/, ({ timeline }) => timeline.attempts],
  [/\boperation$/, ({ operations }) => operations],
  [/\boutcome$|\bparams\.code$/, ({ outcomes }) => outcomes],
  [/\bcaller\.kind$/, ({ callerKinds }) => callerKinds],
  [/\babout\.kind$/, ({ audit }) => audit.things],
  [/\bfaults\.fault$/, ({ audit }) => audit.faults],
  [/\bstatus$/, ({ audit }) => audit.statuses],
  [/\bpermission$/, ({ permissions }) => permissions],
  [/\borganization\.kind$|Organizations?(\.items)?\.kind$|params\.kind$/, ({ kinds }) => kinds],
  [/\bmethod$/, ({ you }) => you.methods],
  [/\bplatformState$/, ({ user }) => user.platformStates],
  [/\bactions\.reason$/, ({ user }) => user.actionReasons],
  [/\breason$/, ({ user }) => user.inactiveReasons],
  [/\bgetReceipt\.accounts\.state$/, ({ receipt }) => receipt.states],
  [/\baccounts\.state$|\b(give|resume|suspend)Account\.state$/, ({ user }) => user.recordedStates],
  [/\baccount$|\blistUnapplied\.items\.state$/, ({ users }) => users.accountWords],
  [/\b(getUser|listUsers\.items)\.state$/, ({ user }) => user.userStates],
  [/Organizations?(\.items)?\.state$/, ({ organizations }) => organizations.states],
  [/\btenant\.accounts$/, ({ organizations }) => organizations.policies],
  [/\bProblem\.code$/, ({ problems }) => problems],
  [/\bProblem\.errors\.rule$/, ({ issues }) => issues],
]

/** Codes that the pages do not show: they decide what a page does. */
const NOT_SHOWN = [
  // The status of the response says it.
  /^Problem\.type$/,
  // They enable buttons, which have their own words.
  /\bactions\.action$/,
  // A progress bar, and the steps of `why`, show it.
  /Verification\.running\.state$/,
  /UserAccount\.state$/,
]

test('every code of every response has a text in each language', () => {
  const places = Object.entries({ ...contract, Problem: { response: Problem } })
  const codes = places.flatMap(([name, { response }]) => [...listCodes(response as Node, name)])
  assert.ok(codes.length > 1_000)
  const faults = [en, de].flatMap((text) =>
    codes.flatMap(([place, code]) => {
      if (NOT_SHOWN.some((end) => end.test(place))) return []
      const words = PLACES.find(([end]) => end.test(place))?.[1](text) ?? {}
      if (!Object.hasOwn(words, code) || words[code] === '') return [`${text.language} ${place}: ${code}`]
      const isCode = text === de && words[code] === code
      return isCode ? [`de ${place}: ${code} is not translated`] : []
    }),
  )
  assert.deepEqual(faults, [])
})

test('what a platform said stands as it is, and is marked as such', () => {
  for (const text of [en, de]) {
    const said = text.explain.platformSaid('refused', 'InternalError: try later')
    assert.match(said, /^(The platform responded|Antwort der Plattform): [“„]InternalError: try later[”“]$/)
    assert.match(text.explain.platformSaid('unreachable', 'ECONNREFUSED'), /^Techni/)
  }
})
