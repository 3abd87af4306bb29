/**
 * Returns the page of the console.
 * @param base the path at which a proxy serves Usher, as `Place` has it: it has no characters that HTML escapes
 */
export function toEntryPage(base: string): string {
  return toPage(
    `<link rel="stylesheet" href="${base}/console/assets/entry.css">
<script src="${base}/console/assets/entry.js" defer></script>`,
    `<main data-base="${base}" aria-live="polite"><p>One moment…</p></main>
<noscript><p>The console needs JavaScript.</p></noscript>`,
  )
}

/** Returns the page that says why the console is refused. */
export function toRefusalPage(message: string): string {
  return toPage('', `<main><h1>Usher</h1><p>${message}</p></main>`)
}

function toPage(head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Usher</title>
${head}
</head>
<body>
${body}
</body>
</html>
`
}

export const ENTRY_STYLE = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0 }
main { max-width: 34rem; margin: 4rem auto; padding: 0 1.5rem }
label { display: block; margin: 0.75rem 0 }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: 0.4rem }
button, .button { display: inline-block; font: inherit; padding: 0.4rem 1rem; margin: 0.75rem 0.75rem 0 0 }
[role="alert"] { border-left: 0.25rem solid; padding-left: 0.75rem }
`

/** What each refusal of a sign-in means. */
const PROBLEMS = {
  cancelled: 'You did not finish signing in. Try again.',
  expired: 'Signing in took more than 10 minutes, or began in another browser. Try again.',
  unavailable: 'The sign-in service cannot be reached. Try again later, or enter by a one-time link.',
  failed:
    'The sign-in service gave an answer that Usher cannot accept. Try again; the log of the server has the reason.',
  person_not_found:
    'No user of the provider or of a reseller is known by your e-mail address. Ask an administrator to add you, or for ' +
    'a one-time link.',
  person_not_permitted:
    'You may not enter the console: that takes the group Administrator or Viewer, and an account that is not suspended. ' +
    'Ask an administrator.',
  email_not_verified:
    'The sign-in service has not verified your e-mail address. Ask an administrator for a one-time link, enter by it, ' +
    'and connect your sign-in there.',
  busy: 'Usher cannot sign you in at the moment. Try again in a minute.',
} as const
export type SignInProblem = keyof typeof PROBLEMS

export const ENTRY_SCRIPT = `'use strict'
const PROBLEMS = ${JSON.stringify(PROBLEMS)}
const main = document.querySelector('main')
const base = main.dataset.base
const api = base + '/console/api'

function node(name, members, ...children) {
  const made = Object.assign(document.createElement(name), members)
  made.append(...children)
  return made
}
function show(...nodes) {
  main.replaceChildren(node('h1', {}, 'Usher'), ...nodes)
}
function complain(text) {
  const alert = node('p', {}, text)
  alert.setAttribute('role', 'alert')
  return alert
}
async function call(method, path, body) {
  const headers = body ? { 'content-type': 'application/json' } : {}
  const response = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

const FIELDS = { firstName: 'First name', lastName: 'Last name', email: 'E-mail' }

function showEnter(token, missing, problem) {
  const fields = missing.map((name) =>
    node('label', {}, FIELDS[name], node('input', { name, type: name === 'email' ? 'email' : 'text', required: true })),
  )
  const form = node('form', { noValidate: true }, ...fields, node('button', {}, 'Enter'))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const { status, body } = await call('POST', '/enter', { token, ...Object.fromEntries(new FormData(form)) })
    if (status === 200) return location.replace(base + '/console')
    const wanted = (body.errors || []).map((one) => one.propertyName).filter((name) => name in FIELDS)
    const isFirst = missing.length === 0 && wanted.length > 0
    const reasons = body.errors.map((one) => (FIELDS[one.propertyName] || one.propertyName) + ' ' + one.description + '. ')
    const next = [...new Set([...missing, ...wanted])]
    showEnter(token, next, isFirst ? 'Say who you are, please.' : [body.description, ...reasons].join(' '))
  })
  const text = missing.length === 0 ? 'This link lets you enter the console once.' : ''
  show(...(problem ? [complain(problem)] : []), node('p', {}, text), form)
}

async function showSignIn(problem) {
  const { body } = await call('GET', '/sign-in')
  const to = encodeURIComponent(new URLSearchParams(location.search).get('to') || '/console')
  const issuer = body.issuer
  const ways = issuer
    ? [node('a', { className: 'button', href: base + '/console/sign-in/start?to=' + to }, 'Sign in with ' + issuer.name)]
    : []
  const hint = 'Or enter by a one-time link: an administrator makes one, and so does usher console link.'
  show(...(problem ? [complain(problem)] : []), ...ways, node('p', {}, issuer ? hint : hint.slice(3)))
}

async function showMe(me) {
  const name = [me.user.firstName, me.user.lastName].filter(Boolean).join(' ') || me.user.email
  const end = node('button', {}, 'Sign out')
  end.addEventListener('click', async () => {
    const { body } = await call('POST', '/session/end')
    location.replace((body && body.issuerSignOutUrl) || base + '/console/sign-in')
  })
  const { body } = await call('GET', '/sign-in')
  const connect = body.issuer && me.session.method === 'link'
    ? [node('a', { className: 'button', href: base + '/console/sign-in/start?connect=1' }, 'Connect ' + body.issuer.name)]
    : []
  show(node('p', {}, 'Signed in as ' + name + ', ' + me.permission + ' of ' + me.organization.name + '.'), ...connect, end)
}

async function start() {
  const path = location.pathname.slice(base.length)
  if (path === '/console/enter' && location.hash.length > 1) {
    const token = location.hash.slice(1)
    // The link does not stay in the history of the browser.
    history.replaceState(null, '', location.pathname)
    return showEnter(token, [], null)
  }
  const problem = PROBLEMS[new URLSearchParams(location.search).get('problem')]
  const { status, body } = await call('GET', '/me')
  if (status === 200) return showMe(body)
  return showSignIn(problem || (status === 401 ? null : body.description))
}
start().catch(() => show(complain('Usher cannot be reached. Try again in a minute.')))
`
