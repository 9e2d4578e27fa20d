import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { catalog, deciders } from '../events/catalog.ts'
import { command, emit } from '../events/kit/command.ts'
import { topics } from '../events/topics.ts'
import { mention, TranscriptStored, videos } from '../events/video.ts'
import { executor } from '../platform/log/commands/executor.ts'
import { appender } from '../platform/log/postgres/appender.ts'
import { openListener } from '../platform/pg/listen.ts'
import { openDb } from '../platform/pg/pool.ts'
import { openWaiter } from '../projections/engine/wait.ts'
import { views } from '../projections/index.ts'
import { startStack } from '../test/kit/stack.ts'
import { heard } from './kit/child.ts'
import { atMost, type Benchmark, type Figure } from './kit/figure.ts'
import { median, percentile, timed } from './kit/measure.ts'
import type { StreamsMessage } from './kit/streams-process.ts'

const VIDEOS = 200
const videoId = (n: number) => `video${String(n).padStart(6, '0')}`

/** Idle video streams on one process: the cost of each, and the delay until an event reaches its clients. */
export const streams: Benchmark = {
  name: 'streams',
  async run({ quick }) {
    const [count, events] = quick ? [500, 50] : [2_000, 500]
    // The stack's projector updates the views; its API is not measured.
    const stack = await startStack()
    const db = openDb(stack.databaseUrl, { name: 'bench streams' })
    const listener = openListener(stack.databaseUrl)
    const waiter = openWaiter(db, listener, views)
    const { execute } = executor({ appender: appender(db), catalog, deciders, topics })
    const servers: ChildProcess[] = []

    const context = { actor: null, correlationId: null }
    const add = (n: number) => {
      const decide = (_: unknown, { ids }: { ids: Record<'video', number> }) =>
        emit(mention(undefined, { videoId: videoId(n), id: ids.video, title: `Video ${n}` }), {})
      return execute(command({ name: 'add', reads: { video: videos.of(videoId(n)) }, ids: ['video'], decide }), context)
    }
    /** Stores (even turns) or removes (odd turns) the transcript: each turn causes an update. */
    const change = (n: number, turn: number) => {
      const stored = { videoId: videoId(n), s3Key: 'k', rows: turn % 2 === 0 ? 2 : 0, sizeBytes: 2, sha256: 'x' }
      const decide = () => emit([TranscriptStored(stored)], {})
      return execute(command({ name: 'change', reads: { video: videos.of(videoId(n)) }, decide }), context)
    }
    const start = async (kind: 'api' | 'bare') => {
      const child = fork(fileURLToPath(new URL('kit/streams-process.ts', import.meta.url)), [kind, stack.databaseUrl], {
        execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
      })
      servers.push(child)
      const port = await heard<number>(child)
      const memory = async () => {
        child.send('memory' satisfies StreamsMessage)
        return heard<number>(child)
      }
      return { child, port, memory }
    }

    try {
      await listener.ready()
      const added = await Promise.all(Array.from({ length: VIDEOS }, (_, n) => add(n)))
      const places = added.flatMap(({ positions }) => positions)
      if (!(await waiter.visible(['videos'], places, 20_000))) throw new Error('not visible in time')
      const [api, bare] = [await start('api'), await start('bare')]

      /** Ten for each video. */
      const crowd = (port: number) => open(port, count, (i) => videoId(i % VIDEOS))
      const memoryPerStream = async ({ port, memory }: typeof api) => {
        // Warm up, so that one-time allocations are not counted.
        for (const client of await open(port, 50, () => videoId(0))) client.socket.destroy()
        const before = await memory()
        const clients = await crowd(port)
        return { clients, kb: ((await memory()) - before) / count / 1024 }
      }
      const close = (clients: Client[]) => {
        for (const { socket } of clients) socket.destroy()
      }

      const bares = await memoryPerStream(bare)
      close(bares.clients)
      const ours = await memoryPerStream(api)

      const frameMs: number[] = []
      const visibleMs: number[] = []
      for (let i = 0; i < events; i++) {
        const n = i % VIDEOS
        const viewers = ours.clients.filter((client) => client.videoId === videoId(n))
        const from = performance.now()
        const frames = Promise.all(viewers.map((viewer) => viewer.update()))
        const { positions } = await change(n, Math.floor(i / VIDEOS))
        await waiter.visible(['videos'], positions)
        visibleMs.push(performance.now() - from)
        await frames
        frameMs.push(performance.now() - from)
      }

      close(ours.clients)
      const storm = async (port: number) => {
        const rounds: number[] = []
        for (let round = 0; round < 3; round++) {
          let clients: Client[] = []
          rounds.push(
            await timed(async () => {
              clients = await crowd(port)
            }),
          )
          close(clients)
        }
        return median(rounds)
      }
      const [stormMs, stormBareMs] = [await storm(api.port), await storm(bare.port)]

      /** Time from the change until the last of all clients, all on one video, has it. */
      const fanOut = async (port: number, tell: (turn: number) => unknown) => {
        const clients = await open(port, count, () => videoId(0))
        const rounds: number[] = []
        for (let turn = 0; turn < 11; turn++)
          rounds.push(
            await timed(async () => {
              const all = Promise.all(clients.map((client) => client.update()))
              await tell(turn)
              await all
            }),
          )
        close(clients)
        return median(rounds.slice(1))
      }
      const turned = Math.ceil(events / VIDEOS)
      const fanOutMs = await fanOut(api.port, (turn) => change(0, turned + turn))
      const frame = `event: update\ndata: {"event": "update", "video": ${JSON.stringify({ is: 'x'.repeat(200) })}}\n\n`
      const fanOutBareMs = await fanOut(bare.port, () => bare.child.send({ tell: frame } satisfies StreamsMessage))

      const many = count.toLocaleString('en')
      const figures: Figure[] = [
        {
          name: `memory of one of ${many} idle streams`,
          value: ours.kb,
          unit: 'KB',
          beside: { what: 'of bare node:http', value: bares.kb },
        },
        {
          name: `event to frame, ${many} open, p50`,
          value: percentile(frameMs, 0.5),
          unit: 'ms',
          beside: { what: 'until the view shows it', value: percentile(visibleMs, 0.5) },
        },
        { name: `event to frame, ${many} open, p99`, value: percentile(frameMs, 0.99), unit: 'ms', target: atMost(25) },
        {
          name: `event to the last of ${many} viewers of one video`,
          value: fanOutMs,
          unit: 'ms',
          beside: { what: 'bare node:http, one frame to all', value: fanOutBareMs },
        },
        {
          name: `${many} come back at once, until the last has its snapshot`,
          value: stormMs,
          unit: 'ms',
          beside: { what: 'bare node:http', value: stormBareMs },
        },
      ]
      return figures
    } finally {
      for (const server of servers) server.kill()
      waiter.close()
      await listener.close()
      await db.close()
      await stack.stop()
    }
  },
}

interface Client {
  videoId: string
  socket: Socket
  /** Resolves with the next update. */
  update(): Promise<void>
}

/** Opens streams concurrently; resolves when each has its snapshot. */
const open = (port: number, count: number, videoOf: (i: number) => string): Promise<Client[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const videoId = videoOf(i)
      const socket = connect(port, '127.0.0.1')
      let heard = (_: string) => {}
      const next = (event: string) =>
        new Promise<void>((resolve, reject) => {
          heard = (text) => text.includes(`event: ${event}\n`) && resolve()
          socket.once('close', () => reject(new Error(`a stream of ${videoId} ended`)))
        })
      socket.on('data', (bytes) => heard(bytes.toString('latin1')))
      const snapshot = next('snapshot')
      await once(socket, 'connect')
      socket.write(`GET /v2/videos/${videoId}/stream HTTP/1.1\r\nHost: x\r\nX-Guest-Session-ID: g${i}\r\n\r\n`)
      await snapshot
      socket.removeAllListeners('close')
      socket.on('error', () => {})
      return {
        videoId,
        socket,
        update: async () => {
          await next('update')
          socket.removeAllListeners('close')
        },
      }
    }),
  )
