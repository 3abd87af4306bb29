import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normaliseDatabaseUrl, parsePostgresUrl, SSL_MODES } from '../src/database-url.ts'

const CERTIFICATE = import.meta.filename

test('the parts of a URL are what libpq takes them for', () => {
  const none = {
    sslMode: null,
    sslRootCert: null,
    sslCert: null,
    sslKey: null,
    applicationName: null,
    options: null,
  }
  assert.deepEqual(parsePostgresUrl('postgres://us%40er:p%3Aw%2F@db.example:5433/ush%20er'), {
    ...{ user: 'us@er', password: 'p:w/', host: 'db.example', port: 5433, database: 'ush er' },
    ...none,
  })
  const empty = { user: null, password: null, host: null, port: null, database: null }
  assert.deepEqual(parsePostgresUrl('postgresql://'), { ...empty, ...none })
  assert.deepEqual(parsePostgresUrl('postgres://[::1]/x'), { ...empty, ...none, host: '::1', database: 'x' })
  const named = 'postgres:///?host=db&port=1&user=u&password=p&dbname=d&application_name=a&options=-c%20a%3Db'
  assert.deepEqual(parsePostgresUrl(named), {
    ...none,
    ...{
      user: 'u',
      password: 'p',
      host: 'db',
      port: 1,
      database: 'd',
      applicationName: 'a',
      options: '-c a=b',
    },
  })
})

test('a socket is named by its folder', () => {
  for (const url of [
    'postgres://usher@%2Frun%2Fpostgresql/usher',
    'postgres:///usher?host=/run/postgresql&user=usher',
    'postgres://usher@/usher?host=/run/postgresql',
  ]) {
    const { user, host, database } = parsePostgresUrl(url)
    assert.deepEqual([user, host, database], ['usher', '/run/postgresql', 'usher'])
  }
})

test('every mode of TLS is taken', () => {
  for (const mode of SSL_MODES) {
    const url = `postgres://db/usher?sslmode=${mode}&sslrootcert=${CERTIFICATE}`
    assert.equal(parsePostgresUrl(url).sslMode, mode)
    assert.equal(normaliseDatabaseUrl(url), url)
  }
})

/** Each holds the password hunter2, which no message may repeat. */
const WRONG: readonly (readonly [url: string, message: RegExp])[] = [
  ['postgres://u:hunter2@db/x?sslmode=on', /wrong sslmode; the modes are disable, allow, prefer/],
  ['postgres://u:hunter2@db/x?sslmode=no-verify', /wrong sslmode/],
  ['postgres://u:hunter2@db/x?sslmode=Require', /wrong sslmode/],
  ['postgres://u:hunter2@db/x?sslmode=', /no value for the parameter sslmode/],
  ['postgres://u:hunter2@db/x?sslmode=require&sslmode=disable', /sslmode twice/],
  ['postgres://u:hunter2@db/x?ssl_mode=require', /unknown parameter \(number 1\); there are host, .*sslmode/],
  ['postgres://u:hunter2@db/x?sslmode=require&ssl=true', /unknown parameter \(number 2\)/],
  ['postgres://u:12?hunter2@db/x', /unknown parameter .* write \? as %3F/],
  ['postgres://u:12?hunter2=@db/x', /unknown parameter/],
  ['postgres://u:12#hunter2@db/x', /must not contain #; in a password, write %23/],
  ['postgres://u:a/hunter2@db/x', /must have the form/],
  ['postgres://u:hunter2%zz@db/x', /a % that begins no escape/],
  ['postgres://u:hunter2@db/x?password=hunter2&foo=hunter2', /unknown parameter/],
  ['postgres://u:hunter2@db:0/x', /port from 1 to 65535/],
  ['postgres://u:hunter2@db:65536/x', /must have the form/],
  ['postgres://u:hunter2@db/x?port=x', /port from 1 to 65535/],
  ['postgres://u:hunter2@one,two/x', /must name one host/],
  ['postgres://u:hunter2@one:1,two:2/x', /must name one host/],
  ['postgres://u:hunter2@/x?host=one,two', /must name one host/],
  ['postgres://u:hunter2@db/x?sslmode=verify-ca', /verify-ca without sslrootcert/],
  ['postgres://u:hunter2@db/x?sslmode=require&sslrootcert=system', /needs sslmode=verify-full/],
  ['postgres://u:hunter2@db/x?sslrootcert=/none/hunter2.pem', /a file for sslrootcert that does not exist/],
  [`postgres://u:hunter2@db/x?sslcert=${CERTIFICATE}`, /both sslcert and sslkey/],
  ['postgres://u:hunter2@db/x\n', /control characters/],
  ['mysql://u:hunter2@db/x', /must have the form sqlite:<path> or postgres:/],
  ['postgres:u:hunter2@db/x', /must have the form/],
  ['sqlite:', /must have the form/],
  ['sqlite: ', /must have the form/],
  ['sqlite::memory:', /must name a file/],
  ['sqlite:/srv/', /must name a file, not a folder/],
  ['sqlite://usher.db', /must not have \/\/ before the path/],
  ['sqlite:usher.db?mode=ro', /no parameters/],
  ['sqlite:~/usher.db', /only a shell replaces/],
]

for (const [url, message] of WRONG)
  test(`${JSON.stringify(url)} is refused, and not repeated`, () => {
    assert.throws(
      () => normaliseDatabaseUrl(url),
      (error: Error) => {
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      },
    )
  })
