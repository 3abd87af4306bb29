import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A key and a certificate chain for a TLS server, in PEM. */
export interface ServerCertificate {
  readonly key: string
  readonly cert: string
}

/** An authority that openssl makes for a test. */
export interface Authority {
  /** The file of its certificate. */
  readonly file: string
  /** Issues a certificate. Times are `YYYYMMDDHHMMSSZ`. */
  issue(options?: { name?: string; from?: string; until?: string }): ServerCertificate
  /** Makes a certificate that no authority has issued. */
  selfSign(name: string): ServerCertificate
  remove(): void
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

const CONFIG = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`

/** Makes the authority `Acme CA`. */
export function newAuthority(): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'usher-ca-'))
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  }
  const read = (name: string): string => readFileSync(join(dir, name), 'utf8')
  writeFileSync(join(dir, 'ca.cnf'), CONFIG)
  writeFileSync(join(dir, 'index.txt'), '')
  openssl('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/O=Acme/CN=Acme CA')
  const ask = (name: string): void =>
    openssl(
      ...['req', ...NEW_KEY, '-keyout', 'own.key', '-out', 'own.csr', '-subj', '/CN=gateway'],
      ...['-addext', `subjectAltName=${name}`],
    )
  return {
    file: join(dir, 'ca.pem'),
    issue({ name = 'IP:127.0.0.1', from = '20200101000000Z', until = '20990101000000Z' } = {}) {
      ask(name)
      openssl(
        ...['ca', '-batch', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-notext'],
        ...['-in', 'own.csr', '-out', 'own.pem', '-startdate', from, '-enddate', until],
      )
      return { key: read('own.key'), cert: read('own.pem') }
    },
    selfSign(name) {
      openssl(
        ...['req', '-x509', ...NEW_KEY, '-keyout', 'self.key', '-out', 'self.pem', '-subj', '/CN=by hand'],
        ...['-addext', `subjectAltName=${name}`],
      )
      return { key: read('self.key'), cert: read('self.pem') }
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
