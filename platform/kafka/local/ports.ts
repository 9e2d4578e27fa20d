import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** @returns `count` different ports that are free at the moment; the wanted ones where they are free */
export async function freePorts(count: number, wanted: readonly (number | undefined)[] = []): Promise<number[]> {
  const probes: Server[] = []
  try {
    for (let index = 0; index < count; index++) probes.push((await listen(wanted[index] ?? 0)) ?? (await listen(0))!)
    return probes.map((probe) => (probe.address() as AddressInfo).port)
  } finally {
    await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))))
  }
}

async function listen(port: number): Promise<Server | undefined> {
  const probe = createServer().listen(port, '127.0.0.1')
  try {
    await once(probe, 'listening')
    return probe
  } catch (error) {
    if (port === 0) throw error
    return undefined
  }
}
