import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Broker, LocalKafka } from '#platform/kafka/local/index.ts'
import { newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaCluster } from '#test/kit/kafka.ts'
import { type Load, startLoad } from '#test/kit/ledger.ts'
import { everyViewEqualsItsReplay } from '#test/kit/replay.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 4)
const isLong = ROUNDS > 10
const OUTAGE_MS = isLong ? 60_000 : 8_000
const FROZEN_MS = 25_000
const CLIENTS = 6
/** Two of each that follow or publish: what one leaves, the other takes. */
const PARTS = ['relay', 'relay#2', 'projector', 'projector#2', 'api'] as const

/** A broker that was killed needs a while to be in sync again; clients find the new leaders meanwhile. */
const PATIENCE = { withinMs: 90_000, everyMs: 200 }

describe('P1, P2, P3 on a cluster of three brokers', function () {
  this.timeout(ROUNDS * 60_000 + 300_000)
  let cluster: LocalKafka
  let stack: Stack
  before(async function () {
    cluster = await kafkaCluster(this)
    stack = await startStack({}, { brokers: cluster.addresses, parts: PARTS })
  })
  after(async function () {
    this.timeout(60_000)
    await stack?.stop()
    await cluster?.stop()
  })

  const goesOn = (load: Load, commands: number) => {
    const before = load.answered()
    return eventually(() => expect(load.answered()).to.be.greaterThan(before + commands), PATIENCE)
  }
  /** Nothing lost, nothing double: the API shows what it answered, and every view is its replay. */
  async function settles(load: Load) {
    await load.stop()
    await eventually(() => load.audit(), PATIENCE)
    await everyViewEqualsItsReplay(stack.databaseUrl)
  }

  it(`loses nothing and doubles nothing when brokers, relays, projectors and the API are killed at random, ${ROUNDS} rounds`, async () => {
    const load = await startLoad({ url: stack.url, clients: CLIENTS })
    const kills: Record<string, number> = {}
    for (let round = 0; round < ROUNDS; round++) {
      await goesOn(load, 10 * CLIENTS)
      // The randomness is in when it strikes: anywhere in a request, a batch, a rebalance.
      await sleep(Math.random() * 300)
      const part = PARTS[Math.floor(Math.random() * PARTS.length)]!
      const broker = cluster.brokers[round % cluster.brokers.length] as Broker
      const isBroker = round % 2 === 0
      if (isBroker) await broker.kill()
      else await stack.signal(part, 'SIGKILL')
      const victim = isBroker ? 'broker' : part.split('#')[0]!
      kills[victim] = (kills[victim] ?? 0) + 1
      if (isBroker) {
        // The two that are left carry on.
        await goesOn(load, 5 * CLIENTS)
        await broker.start()
      }
    }
    await settles(load)
    const total = Object.values(kills).reduce((sum, count) => sum + count, 0)
    console.log(
      `      ${ROUNDS} rounds, ${total} kills ${JSON.stringify(kills)}, ${load.answered()} commands answered, lost 0, double 0`,
    )
  })

  it('fences a projector and a relay that were frozen and wake as zombies', async () => {
    const load = await startLoad({ url: stack.url, clients: CLIENTS })
    await goesOn(load, 5 * CLIENTS)
    const frozen = [await stack.signal('projector', 'SIGSTOP'), await stack.signal('relay', 'SIGSTOP')]
    try {
      const person = await newUser(stack.url)
      await sleep(FROZEN_MS)
      // The others have taken over: what is written now is seen.
      await eventually(async () => {
        const { headers, status } = await person.call('POST', '/v2/videos/dQw4w9WgXcQ/notes', { timestamp: '0:43' })
        expect([status, headers.get('VidWiz-Visible')]).to.deep.equal([201, null])
      }, PATIENCE)
    } finally {
      for (const pid of frozen) process.kill(pid, 'SIGCONT')
    }
    await goesOn(load, 10 * CLIENTS)
    await settles(load)
  })

  it('goes on through a storm of projectors that join and leave', async () => {
    const load = await startLoad({ url: stack.url, clients: CLIENTS })
    for (let round = 0; round < ROUNDS; round++) {
      const part = round % 2 === 0 ? 'projector' : 'projector#2'
      // Some leave in order, some drop dead; both come back at once.
      await stack.signal(part, round % 3 === 0 ? 'SIGKILL' : 'SIGTERM')
      await goesOn(load, 2 * CLIENTS)
    }
    await settles(load)
  })

  it(`takes writes while there is no Kafka for ${OUTAGE_MS / 1000} s, says that they cannot be seen yet, and publishes them afterwards`, async () => {
    const person = await newUser(stack.url)
    const load = await startLoad({ url: stack.url, clients: CLIENTS })
    await goesOn(load, 5 * CLIENTS)
    await Promise.all(cluster.brokers.map((broker) => broker.kill()))
    const until = Date.now() + OUTAGE_MS
    let unseen = 0
    for (let n = 0; Date.now() < until; n++) {
      const { status, headers } = await person.call('POST', '/v2/videos/dQw4w9WgXcQ/notes', { timestamp: '0:43', text: `n${n}` })
      expect(status).to.equal(201)
      if (headers.get('VidWiz-Visible') === 'false') unseen++
    }
    expect(unseen).to.be.greaterThan(0)
    await Promise.all(cluster.brokers.map((broker) => broker.start()))
    await goesOn(load, 20 * CLIENTS)
    await settles(load)
  })
})
