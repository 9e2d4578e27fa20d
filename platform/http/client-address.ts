import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import proxyaddr from 'proxy-addr'

/** Proxies whose `X-Forwarded-For` is trusted: the number of the last proxies, or their networks; 0 trusts none. */
export type TrustedProxies = number | readonly string[]

/** Finds the client's address of a request; undefined once its connection is closed. */
export type AddressOf = (request: IncomingMessage) => string | undefined

/**
 * Parses `1` (a number of proxies in front of us) or `10.0.0.0/8, loopback` (the networks of the proxies).
 *
 * @throws TypeError when it is neither
 */
export function trustedProxies(text: string): TrustedProxies {
  if (/^\s*\d{1,2}\s*$/.test(text)) return Number(text)
  const networks = text.split(',').map((network) => network.trim())
  proxyaddr.compile(networks)
  return networks
}

/**
 * Finds client addresses. Clients can forge `X-Forwarded-For`, except for what trusted proxies append: the client is the first
 * address from the right that is not a trusted proxy.
 *
 * @param onIgnored called once when the header is present and no proxy is trusted: a setting may be missing
 */
export function addressOf(trusted: TrustedProxies, onIgnored?: () => void): AddressOf {
  if (trusted === 0) return direct(onIgnored)
  const trust = typeof trusted === 'number' ? (_: string, hop: number) => hop < trusted : proxyaddr.compile([...trusted])
  return (request) => {
    if (request.headers['x-forwarded-for'] === undefined) return request.socket.remoteAddress
    const address = withoutPort(proxyaddr(request, trust) ?? '')
    return isIP(address) ? address : request.socket.remoteAddress
  }
}

function direct(onIgnored = () => {}): AddressOf {
  let isTold = false
  return ({ socket, headers }) => {
    if (!isTold && headers['x-forwarded-for'] !== undefined) {
      isTold = true
      onIgnored()
    }
    return socket.remoteAddress
  }
}

/** Some proxies write `192.0.2.1:51234` or `[2001:db8::1]:51234`. */
const withoutPort = (address: string): string =>
  /^(?:\[(.+)\]|(\d+(?:\.\d+){3})):\d+$/.exec(address)?.slice(1).find(Boolean) ?? address
