import type { Creator } from './peer.ts'
import { openExchange } from './socket.ts'

// The part of LDAP (RFC 4511) that a create needs, in BER: one bind for each connection, then adds.

const [INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET] = [0x02, 0x04, 0x0a, 0x30, 0x31]
const [BIND, ADD, SIMPLE] = [0x60, 0x68, 0x80]

/** An entry to add: its name, and its attributes. */
export interface Entry {
  readonly dn: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

/** How users are created in an LDAP directory. */
export interface LdapCreate {
  readonly port: number
  readonly dn: string
  readonly password: string
  entry(name: string): Entry
}

/** Opens a connection that binds once, and creates users by an add each. */
export async function connectLdap({ port, dn, password, entry }: LdapCreate): Promise<Creator> {
  const exchange = await openExchange(port, measure)
  let id = 0
  const call = async (operation: Buffer): Promise<void> => {
    const response = await exchange.send(tlv(SEQUENCE, number(INTEGER, ++id), operation))
    const code = resultOf(response)
    if (code !== 0) throw new Error(`LDAP returned ${code}: ${response.toString('latin1')}`)
  }
  await call(tlv(BIND, number(INTEGER, 3), octets(dn), tlv(SIMPLE, Buffer.from(password))))
  return { create: (name) => call(addOf(entry(name))), close: exchange.close }
}

function addOf({ dn, attributes }: Entry): Buffer {
  const list = Object.entries(attributes).map(([type, values]) =>
    tlv(SEQUENCE, octets(type), tlv(SET, ...values.map(octets))),
  )
  return tlv(ADD, octets(dn), tlv(SEQUENCE, ...list))
}

function octets(text: string): Buffer {
  return tlv(OCTETS, Buffer.from(text))
}

function number(tag: number, value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return tlv(tag, bytes)
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}

/** Returns where the content of a value begins, and how long it is. */
function read(bytes: Buffer, at: number): { begin: number; length: number } {
  const first = bytes[at + 1] ?? 0
  if (first < 0x80) return { begin: at + 2, length: first }
  const size = first & 0x7f
  return { begin: at + 2 + size, length: bytes.readUIntBE(at + 2, size) }
}

function measure(received: Buffer): number {
  if (received.length < 6) return 0
  const { begin, length } = read(received, 0)
  return received.length < begin + length ? 0 : begin + length
}

/** Returns the result code of a response: the first value of the operation, which follows the number of the message. */
function resultOf(response: Buffer): number {
  const message = read(response, 0)
  const id = read(response, message.begin)
  const operation = read(response, id.begin + id.length)
  if (response[operation.begin] !== ENUMERATED) throw new Error('not a result of LDAP')
  return response[operation.begin + 2] ?? -1
}
