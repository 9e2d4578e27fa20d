import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import type { Reader } from '#platform/log/port.ts'
import { type Listener, openListener } from '#platform/pg/listen.ts'
import { type Db, openDb } from '#platform/pg/pool.ts'
import type { ConsumerLook, Look } from '#services/operations/look.ts'
import { openLooking } from '#services/operations/looking.ts'
import { newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { onKafka, testReader } from '#test/kit/log.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

const PROCESS = fileURLToPath(new URL('../../../services/process.ts', import.meta.url))
const WITHOUT = 'ai-notes,summaries,sqs-bridge,media-scheduler,media-bridge,media-door'

describe('a look at the system', function () {
  this.timeout(90_000)
  let stack: Stack
  let projector: ChildProcess | undefined
  let db: Db
  let listener: Listener
  let reader: Reader
  let look: () => Promise<Look>
  let person: Awaited<ReturnType<typeof newUser>>

  /** By hand, so that nobody starts it again. */
  const startProjector = async () => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROCESS, 'projector'], {
      env: stack.env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await once(child, 'message')
    return child
  }
  const write = () =>
    person.call('POST', '/v2/videos/dQw4w9WgXcQ/notes', { timestamp: '0:43', text: 'a text', video_title: 'A title' })
  const consumersOf = ({ consumers }: Look) => consumers.value ?? expect.fail(consumers.problem)
  const of = (all: Look, consumer: string): ConsumerLook => consumersOf(all).find((one) => one.consumer === consumer)!
  const needy = (all: Look) =>
    consumersOf(all)
      .filter(({ state }) => state !== 'OK')
      .map(({ consumer, state, why }) => `${consumer} ${state}: ${why}`)
  const isWell = (withinMs = 20_000) =>
    eventually(
      async () => {
        const all = await look()
        expect(needy(all)).to.deep.equal([])
        expect(all.verdict).to.equal('all is well, 0 behind')
        expect(all.isWell).to.equal(true)
      },
      { withinMs, everyMs: 200 },
    )

  /** Somebody writes all the time, whether anybody applies it or not. */
  async function underLoad<T>(work: () => Promise<T>): Promise<T> {
    let isOver = false
    const writing = (async () => {
      while (!isOver) await Promise.all([write(), sleep(100)])
    })()
    try {
      return await work()
    } finally {
      isOver = true
      await writing
    }
  }

  before(async () => {
    const part = (name: string) => ({ name, file: PROCESS, args: [name], env: stack.env })
    // The projector is ours: nobody starts it again when it is killed.
    stack = await startStack({ VIDWIZ_WITHOUT: WITHOUT }, { parts: onKafka ? ['relay'] : [] })
    projector = await startProjector()
    await stack.parts.start([part('fetch-scheduler'), part('api')])
    db = openDb(stack.databaseUrl, { max: 6, indexed: true })
    listener = openListener(stack.databaseUrl)
    reader = await testReader(stack.databaseUrl, db, listener)
    look = openLooking({ db, reader, settings: readSettings(stack.env) })
    person = await newUser(stack.url)
    expect((await write()).status).to.equal(201)
  })
  after(async () => {
    projector?.kill('SIGKILL')
    await reader?.close()
    await listener?.close()
    await db?.close()
    await stack?.stop()
  })

  it('shows every consumer with its owner, and that all is well', async () => {
    await isWell()
    const all = await look()
    const own = of(all, 'notes')
    expect(own).to.include({ service: 'projector', kind: 'view', events: 0, seconds: 0 })
    expect(own.owner).to.include({ service: 'projector', pid: projector!.pid, isAlive: true })
    expect(own.history.at(-1)).to.equal(0)
    expect(of(all, 'summaries')).to.include({ isLeftOut: true, state: 'OK' })
    expect(of(all, 'summaries').why).to.contain('VIDWIZ_WITHOUT')
    if (onKafka) expect(of(all, 'relay').owner).to.include({ service: 'relay', isAlive: true })
    expect(JSON.stringify(all)).to.not.contain('NaN')
  })

  it('P10: a frozen projector is first and STUCK within ten seconds, with partition, seconds, owner and what to type', async () => {
    await isWell()
    await underLoad(async () => {
      projector!.kill('SIGSTOP')
      const frozenAt = Date.now()
      const first = await eventually(
        async () => {
          const all = await look()
          const [worst] = consumersOf(all)
          expect(worst!.state, worst!.why).to.equal('STUCK')
          expect(worst!.events).to.be.greaterThan(0)
          expect(all.verdict).to.match(/^\d+ of \d+ consumers need you$/)
          return worst!
        },
        { withinMs: 12_000, everyMs: 200 },
      )
      expect(Date.now() - frozenAt).to.be.lessThan(10_000)
      expect(first.service).to.equal('projector')
      expect(first.partition).to.be.a('number')
      expect(first.why)
        .to.match(/gives no sign of life for \d+ s/)
        .and.to.contain(`projector ${projector!.pid} on`)
      expect(first.why).to.match(/\d+ events? waits?, the oldest for \d+ s in partition \d+/)
      expect(first.next).to.equal(`npx vidwiz relieve ${first.consumer}`)
    })
    projector!.kill('SIGCONT')
    await isWell()
  })

  it('P10: a stop in good order leaves nobody who owns it: GONE too', async () => {
    const stopped = once(projector!, 'exit')
    projector!.kill('SIGTERM')
    await stopped
    try {
      const own = of(await look(), 'videos')
      expect(own.state, own.why).to.equal('GONE')
      expect(own.why).to.contain('No process of projector runs it')
    } finally {
      projector = await startProjector()
    }
    await isWell(onKafka ? 45_000 : 20_000)
  })

  it('P10: a projector that is killed is GONE at once, and well again when another runs', async () => {
    const [died] = [once(projector!, 'exit')]
    projector!.kill('SIGKILL')
    await died
    await eventually(
      async () => {
        const own = of(await look(), 'videos')
        // Also with nothing to do.
        expect(own, own.why).to.include({ state: 'GONE', events: 0 })
        expect(own.next).to.equal('npx vidwiz run projector')
      },
      { withinMs: 3_000, everyMs: 50 },
    )
    projector = await startProjector()
    await isWell(onKafka ? 45_000 : 20_000)
  })

  if (onKafka)
    it('P10: when the relay is frozen no view counts as well because its head stands still: the relay is STUCK, the others say so', async () => {
      await stack.signal('relay', 'SIGSTOP')
      try {
        await write()
        await eventually(
          async () => {
            const all = await look()
            const [worst] = consumersOf(all)
            expect(worst, worst!.why).to.include({ consumer: 'relay', state: 'STUCK' })
            expect(worst!.events).to.be.greaterThan(0)
            const own = of(all, 'notes')
            expect(own.state, own.why).to.equal('UNKNOWN')
            expect(own.why).to.match(/ha(s|ve) not reached it/)
            expect(own.events).to.be.greaterThan(0)
          },
          { withinMs: 20_000, everyMs: 500 },
        )
      } finally {
        await stack.signal('relay', 'SIGCONT')
      }
      await isWell(45_000)
    })

  it('P10: the command line says the same, and its exit code whether anything needs you', async () => {
    await isWell(45_000)
    const well = await vidwiz(['lag', '--check'], stack.env).finished
    expect([well.code, well.stdout.split('\n')[0]]).to.deep.equal([0, 'all is well, 0 behind'])
    projector!.kill('SIGSTOP')
    try {
      await eventually(async () => expect((await look()).isWell).to.equal(false), { everyMs: 200 })
      const { code, stdout } = await vidwiz(['lag', '--check'], stack.env).finished
      expect(code).to.equal(1)
      expect(stdout.split('\n')[0]).to.match(/^\d+ of \d+ consumers need you$/)
      expect(stdout).to.match(
        /^STUCK .*notes \(vidwiz\.notes\).*: Its process projector \d+ on .* gives no sign of life for \d+ s/m,
      )
      expect(stdout.match(/gives no sign of life/g)).to.have.length(1)
      expect(stdout).to.match(/^ {2}→ .*npx vidwiz relieve [\w-]+$/m)
    } finally {
      projector!.kill('SIGCONT')
    }
    await isWell()
  })

  it('a table that cannot be read is a cell that says so, and the rest stands', async () => {
    await db.query('hide', 'alter table views.tasks rename to tasks_away')
    try {
      const all = await openLooking({ db, reader, settings: readSettings(stack.env) })()
      expect(all.tasks.problem).to.contain('views.tasks')
      expect(all.consumers.value).to.have.length.greaterThan(10)
      expect(all.requests.value).to.deep.equal([])
    } finally {
      await db.query('show', 'alter table views.tasks_away rename to tasks')
    }
  })

  it('what hangs is left out after two seconds', async () => {
    const locker = openDb(stack.databaseUrl, { max: 1 })
    try {
      await locker.tx(async (tx) => {
        await tx.query('lock table log.replays in access exclusive mode')
        const own = openLooking({ db, reader, settings: readSettings(stack.env) })
        const began = performance.now()
        const all = await own()
        expect(performance.now() - began).to.be.lessThan(4_000)
        expect([all.replays.problem, all.consumers.problem]).to.include('it did not answer within 2 s')
        expect(all.verdict).to.match(/^nothing is known of the consumers: /)
        expect(all.isWell).to.equal(false)
      })
    } finally {
      await locker.close()
    }
    await isWell()
  })

  it('costs a handful of statements', async () => {
    let statements = 0
    const query: Db['query'] = (name, text, values) => {
      statements++
      return db.query(name, text, values)
    }
    const counting: Db = { ...db, query }
    const own = openLooking({
      db: counting,
      reader: await testReader(stack.databaseUrl, counting, listener),
      settings: readSettings(stack.env),
    })
    await own()
    statements = 0
    await own()
    expect(statements).to.be.at.most(6)
  })
})
