import { expect } from 'chai'
import { type Db, openDb } from '#platform/pg/pool.ts'
import { newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { vidwiz } from '#test/kit/run.ts'
import { PARTS, type Stack, startStack } from '#test/kit/stack.ts'

/** The promise is 15 s; the rest is for a busy machine. */
const TAKEN_OVER = { withinMs: 20_000, everyMs: 200 }
const SILENT = { withinMs: 15_000, everyMs: 250 }

describe('relieving a consumer of a frozen process', function () {
  this.timeout(120_000)
  let stack: Stack
  let db: Db
  let person: Awaited<ReturnType<typeof newUser>>
  before(async () => {
    stack = await startStack({}, { parts: [...PARTS, 'projector#2'] })
    db = openDb(stack.databaseUrl, { max: 2 })
    person = await newUser(stack.url)
  })
  after(async () => {
    await db?.close()
    await stack?.stop()
  })

  const write = async () => {
    const note = { timestamp: '0:43', text: 'a text', video_title: 'A title' }
    expect((await person.call('POST', '/v2/videos/dQw4w9WgXcQ/notes', note)).status).to.equal(201)
  }
  /** Whether every event of the topic that was appended so far is applied to the view of notes. */
  const isApplied = async () => {
    const [row] = await db.query<{ written: number; shown: number }>(
      'test.notes',
      `select (select count(*) from log.events where type = 'NoteCreated') as written, (select count(*) from views.notes) as shown`,
    )
    expect(row!.shown).to.equal(row!.written)
  }
  /** The processes that had the view of notes last. */
  const ownersOfNotes = () =>
    db.query<{ pid: number }>(
      'test.owners',
      `select distinct o.pid from log.checkpoints c join log.owners o on o.id = c.owner where c.consumer = 'notes'`,
    )
  const freezeOwner = async () => {
    const pid = await eventually(async () => {
      const pids = Object.values(stack.parts.pids())
      return (await ownersOfNotes()).find((one) => pids.includes(one.pid))?.pid ?? expect.fail('nobody owns it')
    }, TAKEN_OVER)
    process.kill(pid, 'SIGSTOP')
    return pid
  }
  const otherThan = (pid: number) =>
    eventually(() => {
      const { projector, 'projector#2': second } = stack.parts.pids()
      return [projector, second].find((one) => one !== undefined && one !== pid) ?? expect.fail('there is no other one')
    })
  const bothLive = () =>
    eventually(async () => {
      const living = await db.query(
        'test.living',
        `select from log.living_owners where service = 'projector' and beat_at > now() - interval '3 seconds'`,
      )
      expect(living).to.have.length(2)
    }, TAKEN_OVER)
  const relieve = (...args: string[]) => vidwiz(['relieve', 'notes', ...args], stack.env).finished
  /** What a dry run says as soon as all that are frozen count as silent. */
  const dryRun = () =>
    eventually(async () => {
      const { code, stdout, stderr } = await relieve('--dry-run')
      expect(code, stderr).to.equal(0)
      expect(stdout).to.match(/^No other process of projector lives/m)
      return stdout
    }, SILENT)
  const isRunning = (pid: number) => Object.values(stack.parts.pids()).includes(pid)

  it('is refused while whoever owns it lives, and for a consumer that there is not', async () => {
    await write()
    await eventually(isApplied, TAKEN_OVER)
    const { code, stderr } = await relieve()
    expect(code).to.equal(1)
    expect(stderr).to.match(/no owner of notes is frozen; last signs of life: projector \d+ on .+, \d\.\d s ago/)
    const unknown = await vidwiz(['relieve', 'nothing'], stack.env).finished
    expect([unknown.code, unknown.stderr]).to.satisfy(
      ([code, said]: [number, string]) => code === 1 && /no consumer nothing; there are/.test(said),
    )
  })

  it('needs nobody where a second process stands by: it takes over within 15 s, says so, and what woke does no harm', async () => {
    await bothLive()
    const pid = await freezeOwner()
    try {
      await write()
      await eventually(isApplied, TAKEN_OVER)
      const told = await eventually(
        () => stack.output.find((line) => line.includes('relieved a frozen process')) ?? expect.fail('nothing was said'),
        TAKEN_OVER,
      )
      const { service, silentMs, ...line } = JSON.parse(told.slice(told.indexOf('{')))
      expect([line.pid, service, line.owner.split(' ')[0]]).to.deep.equal([pid, 'projector', 'projector'])
      expect(silentMs).to.be.within(10_000, 15_000)
      expect(isRunning(pid), 'it is not killed').to.equal(true)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await bothLive()
    await write()
    await eventually(isApplied, TAKEN_OVER)
  })

  it('is done by hand where nobody stands by, which others say: it is killed on the very host, and that is recorded', async () => {
    await bothLive()
    const pid = await freezeOwner()
    const other = await otherThan(pid)
    process.kill(other, 'SIGSTOP')
    try {
      await write()
      const said = await dryRun()
      expect(said).to.match(new RegExp(`^projector ${pid} on .+ It runs on this host: it is killed\\.$`, 'm'))
      expect(isRunning(pid), 'a dry run changes nothing').to.equal(true)
      await eventually(
        () => expect(stack.output.join('\n')).to.match(new RegExp(`"pid":${pid}.*nobody can take over`)),
        TAKEN_OVER,
      )
      const { code, stdout, stderr } = await relieve('--reason', 'it is frozen')
      expect(code, stderr).to.equal(0)
      expect(stdout).to.match(
        new RegExp(`killed projector ${pid} on .+; projector \\d+ on .+ lives and continues where it stopped$`, 'm'),
      )
      await eventually(isApplied, TAKEN_OVER)
      await eventually(() => expect(isRunning(pid)).to.equal(false))
    } finally {
      if (isRunning(other)) process.kill(other, 'SIGCONT')
    }
    await eventually(async () => {
      const recorded = await db.query<{ target: string; reason: string; outcome: string }>(
        'test.recorded',
        `select target, reason, outcome from views.operations where act = 'relieve'`,
      )
      expect(recorded).to.deep.equal([{ target: 'notes', reason: 'it is frozen', outcome: 'done' }])
    }, TAKEN_OVER)
  })

  it('cuts the connections of one on another host: who has woken goes on', async () => {
    await bothLive()
    const pid = await freezeOwner()
    const other = await otherThan(pid)
    process.kill(other, 'SIGSTOP')
    try {
      // On Kafka both own partitions of the view, and are relieved.
      await db.query('test.move', `update log.owners set host = 'elsewhere' where pid = any ($1)`, [[pid, other]])
      await write()
      expect(await dryRun()).to.match(
        new RegExp(`^projector ${pid} on elsewhere .+ its connections to the database are cut\\.$`, 'm'),
      )
      const relieving = relieve('--reason', 'its host hangs')
      await eventually(
        async () => expect(await db.query('test.gone', 'select from log.living_owners where pid = $1', [pid])).to.have.length(0),
        TAKEN_OVER,
      )
      process.kill(other, 'SIGCONT')
      const { code, stdout, stderr } = await relieving
      expect(code, stderr).to.equal(0)
      expect(stdout).to.match(
        /cut (the connection|\d+ connections) of projector \d+ on elsewhere, which was not killed.*; projector \d+ on/m,
      )
      expect(isRunning(pid), 'it is not killed').to.equal(true)
      await eventually(isApplied, TAKEN_OVER)
    } finally {
      process.kill(pid, 'SIGCONT')
      process.kill(other, 'SIGCONT')
    }
    await write()
    await eventually(isApplied, TAKEN_OVER)
  })
})
