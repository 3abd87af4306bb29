import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { unpackPackage } from './debian.ts'
import { connectLdap, type Entry, type LdapCreate } from './ldap.ts'
import type { Creator, Peer } from './peer.ts'

const SUFFIX = 'dc=bench'
const WRITER = `cn=portal,${SUFFIX}`
const PASSWORD = 'bench'
const START_LIMIT_MS = 10_000

/** Starts OpenLDAP's slapd with `users` users, from Debian's packages, which are unpacked into a folder. */
export async function startSlapd(folder: string, users: number): Promise<Peer> {
  const root = join(folder, 'root')
  unpackPackage('slapd', root)
  const programs = join(root, 'usr/sbin')
  if (!existsSync(join(programs, 'slapd'))) throw new Error('the package has no slapd')
  const config = join(folder, 'slapd.conf')
  mkdirSync(join(folder, 'data'))
  writeFileSync(config, toConfig(folder, root))
  const env = { ...process.env, LD_LIBRARY_PATH: listLibraries(root) }
  const ldif = join(folder, 'start.ldif')
  writeFileSync(ldif, toLdif(users))
  execFileSync(join(programs, 'slapadd'), ['-q', '-f', config, '-l', ldif], { env, stdio: 'pipe' })
  const port = await findPort()
  const child = spawn(join(programs, 'slapd'), ['-h', `ldap://127.0.0.1:${port}`, '-f', config, '-d', '0'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const connection = { port, dn: WRITER, password: PASSWORD }
  const connect = (): Promise<Creator> => connectLdap({ ...connection, entry: toEntry })
  await waitUntilServing(connect, () => child.exitCode)
  await assertUnique(connection)
  return {
    name: 'OpenLDAP slapd',
    does: 'schema checked, bound per connection, access checked, unique mail, synced; no audit',
    pids: () => [child.pid ?? 0],
    connect,
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

/** Each write is synced to disk, which is the default of mdb. Only one entry may have an address. */
function toConfig(folder: string, root: string): string {
  const schemas = ['core', 'cosine', 'inetorgperson'].map(
    (name) => `include ${root}/etc/ldap/schema/${name}.schema`,
  )
  return `${schemas.join('\n')}
pidfile ${folder}/slapd.pid
modulepath ${root}/usr/lib/ldap
moduleload back_mdb
moduleload unique
database mdb
suffix "${SUFFIX}"
rootdn "cn=root,${SUFFIX}"
directory ${folder}/data
maxsize 4294967296
index objectClass,uid,mail eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${WRITER}" write by * none
overlay unique
unique_uri "ldap:///ou=people,${SUFFIX}?mail?sub?(objectClass=inetOrgPerson)"
`
}

function toLdif(users: number): string {
  const start: Entry[] = [
    { dn: SUFFIX, attributes: { objectClass: ['domain'], dc: ['bench'] } },
    { dn: `ou=people,${SUFFIX}`, attributes: { objectClass: ['organizationalUnit'], ou: ['people'] } },
    {
      dn: WRITER,
      attributes: {
        objectClass: ['organizationalRole', 'simpleSecurityObject'],
        cn: ['portal'],
        userPassword: [PASSWORD],
      },
    },
    ...Array.from({ length: users }, (_, i) => toEntry(`loaded.${i}`)),
  ]
  return start.map(toRecord).join('\n')
}

function toRecord({ dn, attributes }: Entry): string {
  const lines = Object.entries(attributes).flatMap(([type, values]) =>
    values.map((value) => `${type}: ${value}\n`),
  )
  return `dn: ${dn}\n${lines.join('')}`
}

function toEntry(name: string): Entry {
  return {
    dn: `uid=${name},ou=people,${SUFFIX}`,
    attributes: {
      objectClass: ['inetOrgPerson'],
      uid: [name],
      givenName: ['Ada'],
      sn: ['Lovelace'],
      cn: ['Ada Lovelace'],
      mail: [`${name}@example.com`],
    },
  }
}

/** Asserts that the overlay works: another user with the same address is refused, with constraintViolation. */
async function assertUnique(connection: Omit<LdapCreate, 'entry'>): Promise<void> {
  const entry = (name: string): Entry => {
    const { dn, attributes } = toEntry(name)
    return { dn, attributes: { ...attributes, mail: ['same@example.com'] } }
  }
  const creator = await connectLdap({ ...connection, entry })
  await creator.create('first')
  const refusal = await creator.create('second').catch((error: Error) => error.message)
  creator.close()
  if (!/returned 19/.test(String(refusal))) throw new Error(`two users have one address: ${refusal}`)
}

async function waitUntilServing(connect: () => Promise<Creator>, code: () => number | null): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS
  for (;;) {
    try {
      ;(await connect()).close()
      return
    } catch (error) {
      if (code() !== null) throw new Error(`slapd ended with ${code()}`)
      if (performance.now() > limit) throw error
      await pause(50)
    }
  }
}

/** The folders of the unpacked libraries, for the loader. */
function listLibraries(root: string): string {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
  const folders = files.filter(({ name }) => /\.so\.\d/.test(name)).map(({ parentPath }) => parentPath)
  return [...new Set(folders)].join(':')
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
