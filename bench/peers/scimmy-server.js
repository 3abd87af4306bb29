// @ts-nocheck: its packages are in the folder that it is copied into
// Copied into a folder with its packages: SCIMMY on Express, as its documentation shows it, with the users in memory.
// node scimmy-server.js TOKEN USERS

import { randomUUID } from 'node:crypto'
import express from 'express'
import SCIMMY from 'scimmy'
import SCIMMYRouters from 'scimmy-routers'

const [token, count] = process.argv.slice(2)
const users = new Map()
/** The user names are the e-mail addresses. They are unique. */
const ids = new Map()

/** Stores a user. Throws what makes SCIMMY respond with 409 if the name is taken. */
function store(user) {
  const name = user.userName.toLowerCase()
  if (ids.has(name)) throw new SCIMMY.Types.Error(409, 'uniqueness', 'the user name is taken')
  const now = new Date().toISOString()
  const stored = { ...user, id: randomUUID(), meta: { created: now, lastModified: now } }
  users.set(stored.id, stored)
  ids.set(name, stored.id)
  return stored
}

SCIMMY.Resources.declare(SCIMMY.Resources.User)
  .ingress((_resource, user) => store({ ...user }))
  .egress(({ id }) => (id ? users.get(id) : [...users.values()]))
  .degress(({ id }) => users.delete(id))

for (let i = 0; i < Number(count); i++) {
  const userName = `loaded.${i}@example.com`
  store({ userName, name: { givenName: 'Loaded', familyName: `Number ${i}` }, emails: [{ value: userName }] })
}

const handler = ({ headers }) => {
  if (headers.authorization !== `Bearer ${token}`) throw new Error('the token is wrong')
  return 'bench'
}
const server = express()
  .use('/scim', new SCIMMYRouters({ type: 'bearer', handler }))
  .listen(0, '127.0.0.1', () => console.log(server.address().port))
