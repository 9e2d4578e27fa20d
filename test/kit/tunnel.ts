import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy to a server that can simulate network failures. */
export interface Tunnel {
  /** The same URL, through the tunnel. */
  url: string
  /** From now on nothing passes, without any error, as when packets are lost. */
  hold(): void
  /** How many pieces it holds. */
  holds(): number
  /** Delivers everything that was held, and passes what comes later. */
  pass(): void
  close(): void
}

/**
 * @param tells whether the client learns that the server closed a connection
 */
export async function openTunnel(url: string, { tells = true }: { tells?: boolean } = {}): Promise<Tunnel> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let held: (() => void)[] | undefined
  const later = (pass: () => void) => (held ? held.push(pass) : pass())
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: Number(port), host: hostname, noDelay: true })
    for (const socket of [client, target]) sockets.add(socket.on('error', () => {}))
    client.on('data', (chunk) => later(() => target.write(chunk)))
    target.on('data', (chunk) => later(() => client.write(chunk)))
    client.on('close', () => target.destroy())
    target.on('close', () => {
      if (tells) later(() => client.destroy())
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const through = new URL(url)
  through.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: through.href,
    hold() {
      held ??= []
    },
    holds: () => held?.length ?? 0,
    pass() {
      const all = held ?? []
      held = undefined
      for (const pass of all) pass()
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
