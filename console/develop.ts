import { createServer } from 'vite'
import { CONTENT_SECURITY_POLICY } from '../src/api/console/headers.ts'
import { SETTINGS } from './build.ts'

// Serves the console while its sources change: `npm run console -- http://127.0.0.1:8080`. The argument is the URL of an
// Usher that runs, and gets the calls of the API.

/** Vite writes one script and all styles into the page. The rest is as in production. */
const POLICY = CONTENT_SECURITY_POLICY.replace(/(script|style)-src 'self'/g, "$& 'unsafe-inline'")
const [target = 'http://127.0.0.1:8080'] = process.argv.slice(2)
const server = await createServer({
  ...SETTINGS,
  base: '/console/',
  server: {
    host: '127.0.0.1',
    headers: { 'content-security-policy': POLICY },
    proxy: {
      '^/console/(api/|sign-in/(start|callback))': {
        target,
        // The folder `api` of the sources has the same path.
        bypass: ({ url }) => (/\.tsx?(\?|$)/.test(url ?? '') ? url : undefined),
      },
    },
  },
})
await server.listen()
server.printUrls()
