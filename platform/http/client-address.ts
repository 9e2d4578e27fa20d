import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import proxyaddr from 'proxy-addr'

/** Who may say where a request comes from: the last so many proxies, or those of these networks; 0 is nobody. */
export type TrustedProxies = number | readonly string[]

/** Finds out from where a request comes; undefined once its connection is gone. */
export type AddressOf = (request: IncomingMessage) => string | undefined

/**
 * Reads `1` (so many proxies stand before us) or `10.0.0.0/8, loopback` (those of these networks do).
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
 * `X-Forwarded-For` is anybody's word but for what trusted proxies have added to it: from the right, the first address that is
 * not of such a proxy.
 *
 * @param onIgnored called once when there is such a word and nobody is trusted: perhaps somebody should be
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
