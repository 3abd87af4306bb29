import type { ApiDocument } from '../openapi.ts'

/** What the console's document says besides the routes. */
export const document: ApiDocument = {
  info: {
    title: 'Usher: console',
    version: '1',
    description:
      'The API of the console, for its own pages alone: it changes with them, without notice. Programs use the ' +
      "partner portal's API.",
  },
  tags: [
    { name: 'You', description: 'The signed-in person and their sessions.' },
    { name: 'Accounts', description: 'The accounts of users on the storage platform, and their keys.' },
    { name: 'Platform', description: 'Accounts that are not applied.' },
    { name: 'People', description: 'The people who enter the console.' },
    { name: 'Find', description: 'One field for any id, key, name or address.' },
    { name: 'Users', description: 'The users of all organizations in reach.' },
    { name: 'Organizations', description: 'The provider, its resellers and customers.' },
    { name: 'Audit', description: 'What was done, by whom, and what became of it.' },
  ],
  components: {
    securitySchemes: {
      session: {
        type: 'apiKey',
        in: 'cookie',
        name: '__Host-usher-00000000',
        description:
          'The session that signing in began; the last eight characters of the name are of a hash of the public URL. ' +
          'Every request must come from the console itself.',
      },
    },
  },
  security: [{ session: [] }],
}
