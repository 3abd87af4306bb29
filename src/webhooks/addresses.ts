import { BlockList, isIP } from 'node:net'
import type { ReceiverRule } from '../model/webhooks.ts'

/**
 * Networks of IPv4 that are not on the internet: those of the IANA registry of special-purpose addresses (RFC 6890)
 * that are not globally reachable, multicast, and the address of Azure's host services.
 */
const SPECIAL_IPV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32'],
]
/**
 * The addresses of IPv6 that are on the internet, and the networks in them that are special or hold an IPv4 address.
 */
const GLOBAL_IPV6 = ['2000::/3']
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const special = newBlockList(SPECIAL_IPV4.concat(SPECIAL_IPV6))
const globalIpv6 = newBlockList(GLOBAL_IPV6)

/** Which addresses receivers may have. */
export interface AddressRule extends ReceiverRule {
  /** Whether a connection to the address may be made. `insideOnly` asks for one of the allowed networks. */
  permits(address: string, insideOnly: boolean): boolean
}

/**
 * Makes the rule for addresses: those on the internet, and those of the allowed networks.
 * @param networks addresses and CIDR ranges inside the network of the provider that receivers may have
 */
export function newAddressRule(networks: readonly string[]): AddressRule {
  const allowed = newBlockList(networks)
  const permits: AddressRule['permits'] = (address, insideOnly) => {
    const plain = toPlain(address)
    const version = isIP(plain)
    if (version === 0) return false
    const family = version === 4 ? 'ipv4' : 'ipv6'
    if (allowed.check(plain, family)) return true
    if (insideOnly || special.check(plain, family)) return false
    return version === 4 || globalIpv6.check(plain, family)
  }
  return {
    allowsHttp: networks.length > 0,
    permits,
    permitsHost({ protocol, hostname }) {
      const address = findAddress(hostname)
      return address === undefined || permits(address, protocol === 'http:')
    },
  }
}

/** The address that the names below `localhost` have (RFC 6761 section 6.3). */
const LOCALHOST = '127.0.0.1'

/** Returns the address of a host that needs no DNS: an address, or `localhost`. Undefined for other names. */
export function findAddress(host: string): string | undefined {
  if (/(^|\.)localhost\.?$/i.test(host)) return LOCALHOST
  const address = dropBrackets(host)
  return isIP(address) === 0 ? undefined : address
}

/** A URL has an address of IPv6 in brackets. */
function dropBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** Returns an IPv4 address that is mapped into IPv6 (`::ffff:127.0.0.1`) as an IPv4 address. */
function toPlain(address: string): string {
  const host = dropBrackets(address)
  if (isIP(host) !== 6) return host
  const { hostname } = new URL(`http://[${host.replace(/%.*$/, '')}]`)
  const [, high, low] = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(hostname) ?? []
  if (high === undefined || low === undefined) return host
  const [one, other] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [one >> 8, one & 255, other >> 8, other & 255].join('.')
}

function newBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}
