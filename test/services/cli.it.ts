import { expect } from 'chai'
import { evolveNote, type NoteEvent, notes } from '#events/note.ts'
import { openDb } from '#platform/pg/pool.ts'
import { views } from '#projections/index.ts'
import { newUser } from '#test/kit/client.ts'
import { eventually } from '#test/kit/eventually.ts'
import { noteCreated } from '#test/kit/histories.ts'
import { emptyDatabase, freshDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type Stack, startStack } from '#test/kit/stack.ts'

describe('the command line', function () {
  this.timeout(60_000)
  let stack: Stack
  let env: NodeJS.ProcessEnv
  let person: Awaited<ReturnType<typeof newUser>>
  const note = (text: string) =>
    person.call('POST', '/v2/videos/dQw4w9WgXcQ/notes', { timestamp: '0:43', text, video_title: 'A title' })
  const sql = async (text: string) => {
    const db = openDb(stack.databaseUrl)
    try {
      return await db.query('planted', text)
    } finally {
      await db.close()
    }
  }
  const run = (...args: string[]) => vidwiz(args, env).finished

  before(async () => {
    stack = await startStack()
    env = stack.env
    person = await newUser(stack.url)
    for (const text of ['one', 'two', 'three']) expect((await note(text)).status).to.equal(201)
  })
  after(() => stack?.stop())

  it('helps, whatever one asks of it', async () => {
    const { code, stdout } = await run('--help')
    expect(code).to.equal(0)
    for (const command of [
      'start',
      'run',
      'tail',
      'lag',
      'story',
      'requests',
      'rebuild',
      'verify',
      'letters',
      'redrive',
      'skip',
      'setup',
      'schemas',
    ])
      expect(stdout).to.contain(`  ${command} `)
    expect((await run('rebuild', '--help')).stdout).to.contain('--dry-run')
    const unknown = await run('rebuild', 'nonsense')
    expect(unknown.code).to.equal(1)
    expect(unknown.stderr).to.contain('Allowed choices are users, videos, notes, user-videos')
    for (const bad of [
      ['letters', '--limit', 'many'],
      ['verify', '--rows', '-1'],
      ['skip', 'notes', 'note-1', 'x', '--reason', 'r'],
      ['tail', '--from', 'then'],
    ])
      expect(await run(...bad), bad.join(' ')).to.include({ code: 1, stdout: '' })
  })

  it('says in one line that there is no system to talk to', async () => {
    const { code, stderr } = await vidwiz(['lag'], { VIDWIZ_DATA: '/tmp/vidwiz-nothing-here' }).finished
    expect(code).to.equal(1)
    expect(stderr.trim().split('\n')).to.have.length(1)
  })

  it('says in one line what a database lacks', async () => {
    const [empty, unused] = [await emptyDatabase(), await freshDatabase()]
    for (const [{ url }, what] of [
      [empty, 'vidwiz: the database is empty: run `npx vidwiz setup` first'],
      [unused, 'vidwiz: there is no view users yet: no projector has run here'],
    ] as const) {
      const { code, stderr } = await vidwiz(['verify'], { DB_URL: url }).finished
      expect([code, stderr.trim()]).to.deep.equal([1, what])
    }
    await empty.drop()
    await unused.drop()
  })

  it('says in one line that the tables are of an older version, or that no projector has made the views', async () => {
    const [older, unused] = [await freshDatabase(), await freshDatabase()]
    const db = openDb(older.url, { max: 1 })
    await db.query('t.older', `delete from vidwiz.migrations where name >= '005'`)
    await db.close()
    const OLDER =
      'vidwiz: the tables of the database are of an older version, from before 005_gaps.sql: run `npx vidwiz setup` of this version first'
    const cases = [
      [older, ['restored', '--dry-run'], OLDER],
      [older, ['run', 'fetch-scheduler'], OLDER],
      [unused, ['requests'], 'vidwiz: there is no view ai_requests yet: no projector has run here'],
      [unused, ['replays'], 'vidwiz: there is no view operations yet: no projector has run here'],
    ] as const
    await Promise.all(
      cases.map(async ([{ url }, args, what]) => {
        const { code, stderr } = await vidwiz([...args], { DB_URL: url }).finished
        expect([code, stderr.trim()], args.join(' ')).to.deep.equal([1, what])
      }),
    )
    await older.drop()
    await unused.drop()
  }).timeout(150_000)

  it('tail prints the log in order, filtered by topic, stream or type', async () => {
    const log = (await run('tail', '--from', '0', '--no-follow', '--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(log.map((event) => event.pos)).to.deep.equal(log.map((_, i) => i + 1))
    // What a service of ours makes of it comes in between.
    const all = log.filter((event) => event.topic !== 'vidwiz.tasks')
    expect(all.map((event) => event.type)).to.deep.equal([
      'UserRegistered',
      'VideoAdded',
      'NoteCreated',
      'NoteCreated',
      'NoteCreated',
    ])
    expect(all[2].data).to.include({ text: 'one', videoId: 'dQw4w9WgXcQ' })
    const lines = async (...filter: string[]) =>
      (await run('tail', '--from', '0', '--no-follow', ...filter)).stdout.trim().split('\n')
    expect(await lines('--topic', 'notes')).to.have.length(3)
    expect(await lines('--type', 'VideoAdded')).to.have.length(1)
    const stream = all[3].stream
    expect(await lines('--stream', stream)).to.have.length(1)
    expect(await lines('--key', 'dQw4w9WgXcQ', '--limit', '2')).to.have.length(2)
    expect(await lines('--where', 'text=one', '--where', 'videoId=dQw4w9WgXcQ')).to.have.length(1)
    expect((await lines('--at', new Date(Date.now() + 60_000).toISOString()))[0]).to.equal('')
    const back = (await run('tail', '--backwards', '--topic', 'notes', '--limit', '2')).stdout.trim().split('\n')
    expect(back.map((line) => line.trim().split(/ +/)[0])).to.deep.equal([all[4].pos, all[3].pos].map(String))
    expect((await run('tail', '--topic', 'nonsense')).code).to.equal(1)
  })

  it('tail follows: what is appended while it runs is printed', async () => {
    const tail = vidwiz(['tail', '--type', 'NoteCreated', '--from', '0'], env)
    await tail.prints(/"text":"three"/)
    await note('four')
    await tail.prints(/"text":"four"/)
    tail.process.kill('SIGINT')
    expect((await tail.finished).code).to.equal(0)
  })

  it('P10: lag tells events and seconds per consumer and partition', async () => {
    const lags = async () =>
      JSON.parse((await run('lag', '--json')).stdout) as { consumer: string; events: number; seconds: number }[]
    expect((await lags()).map(({ consumer }) => consumer)).to.include.members(['users', 'videos', 'notes', 'user-videos'])
    expect((await lags()).every(({ events, seconds }) => events === 0 && seconds === 0)).to.equal(true)

    await stack.signal('projector', 'SIGSTOP')
    try {
      // Nobody applies it, so the answer comes without having waited to the end, and says so.
      const { status, headers } = await note('five')
      expect(status).to.equal(201)
      expect(headers.get('vidwiz-visible')).to.equal('false')
      const behind = (await lags()).filter(({ events }) => events > 0)
      expect(behind.map(({ consumer, events }) => [consumer, events])).to.deep.equal([
        ['notes', 1],
        ['user-videos', 1],
      ])
      for (const { seconds } of behind) expect(seconds).to.be.greaterThan(0)
      expect((await run('lag')).stdout).to.match(/^notes +vidwiz\.notes +all +\d+ +1 +\d+\.\d +0$/m)
    } finally {
      await stack.signal('projector', 'SIGCONT')
    }
    await eventually(async () => expect((await lags()).every(({ events }) => events === 0)).to.equal(true))
  })

  it('P6: verify is clean, and tells a planted difference with both sides and exit code 1; rebuild mends it', async () => {
    expect(await run('verify')).to.include({ code: 0 })
    await sql(`update views.notes set text = 'not what the log says' where text = 'one'`)
    const { code, stdout } = await run('verify')
    expect(code).to.equal(1)
    expect(stdout)
      .to.contain('not what the log says')
      .and.to.contain('"text":"one"')
      .and.to.match(/notes: .*1 differ/)
    const dry = await run('rebuild', 'notes', '--dry-run')
    expect(dry.code).to.equal(0)
    expect(dry.stdout).to.contain('1 differ')
    expect((await run('verify', 'notes')).code).to.equal(1)

    const rebuilt = await run('rebuild', 'notes')
    expect(rebuilt.code).to.equal(0)
    expect(rebuilt.stdout).to.match(/notes: rebuilt \d+ rows from \d+ events/)
    expect(rebuilt.stderr).to.match(/notes: .*events, [\d,]+\/s/)
    expect((await run('verify')).code).to.equal(0)
  })

  it('P6: rebuild --all rebuilds every view; what does not go with it is refused', async () => {
    await sql(`update views.notes set text = 'not what the log says' where text = 'one'`)
    await sql(`delete from views.user_videos`)
    const all = await run('rebuild', '--all', '--reason', 'a drill')
    expect(all.code).to.equal(0)
    for (const { name } of views) expect(all.stdout).to.match(new RegExp(`^${name}: rebuilt [\\d,]+ rows`, 'm'))
    expect((await run('verify')).code).to.equal(0)
    for (const [bad, why] of [
      [[], 'name a view, or say --all'],
      [['notes', '--all'], 'leave the name out'],
      [['--all', '--dry-run'], 'go with one view'],
      [['--all', '--history'], 'go with one view'],
    ] as const) {
      const { code, stderr } = await run('rebuild', ...bad)
      expect([code, stderr]).to.deep.include(1)
      expect(stderr).to.contain(why)
    }
  })

  it('P8: letters shows an event that could not be handled; skip and redrive let its stream go on', async () => {
    const { body } = await note('before')
    const broken = `insert into log.events select (select max(pos) + 1 from log.events), topic, partition, key, stream, 2, gen_random_uuid(), 'NoteEdited', 1, time, actor, correlation_id, causation_id, traceparent, '{"noteId": "broken"}' from log.events where stream = 'note-${body.id}'`
    await sql(broken)
    const { id: noteId, video_id: videoId, user_id: userId, timestamp, text } = body
    const created = noteCreated({ noteId, videoId, userId, timestamp, text })
    const state = { ...evolveNote(undefined, { ...created, time: 0, version: 1 } as NoteEvent), version: 2 }
    await sql(`insert into log.snapshots values ('note-${noteId}', 2, ${notes.stateVersion}, '${JSON.stringify(state)}')`)
    await sql(`select pg_notify('log', 'vidwiz.notes')`)
    const stream = `note-${body.id}`
    const letters = () => run('letters', 'notes', '--stream', stream)
    await eventually(async () => expect((await letters()).stdout).to.match(/NoteEdited +failed +.*BROKEN|NoteEdited +failed +/))
    // A later edit waits behind it; the note's other readers are not held up.
    await person.call('PATCH', `/v2/notes/${body.id}`, { text: 'after' })
    await eventually(async () => expect((await letters()).stdout).to.match(/NoteEdited +waiting/))
    expect((await note('another stream flows')).headers.get('vidwiz-visible')).to.equal(null)
    const pos = /notes +(\d+) .*failed/.exec((await letters()).stdout)![1]!
    expect((await run('redrive', 'notes', stream)).code).to.equal(1)
    // By cause, all of it at a time, and what would come of it.
    const groups = await run('letters', 'notes', '--group')
    expect(groups.stdout)
      .to.match(/^[0-9a-f]{12} {2}1 stream, 2 events {2}notes$/m)
      .and.to.match(/EventError BROKEN_PAYLOAD at events\/kit\/codec\.ts:\d+: /)
      .and.to.contain(`NoteEdited ${stream}@2 in notes`)
    const group = /^[0-9a-f]{12}/.exec(groups.stdout)![0]
    const dry = await run('redrive', 'notes', '--group', group, '--dry-run')
    expect([dry.code, dry.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && /would be: 1 stream: 0 ev/.test(text),
    )
    const everything = await run('redrive', 'notes', '--all', '--reason', 'to see')
    expect(everything.code).to.equal(1)
    expect(everything.stdout).to.contain('1 stream: 0 events applied, 2 still parked in 1').and.to.contain(stream)
    const vague = await run('redrive', 'notes')
    expect([vague.code, vague.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && /say what to redrive/.test(text),
    )
    const told = await run('skip', 'notes', stream, pos, '--reason', 'a test planted it', '--dry-run')
    expect([told.code, told.stdout]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && /lack what NoteEdited/.test(text),
    )
    expect((await run('skip', 'notes', stream, pos, '--reason', 'a test planted it')).code).to.equal(0)
    expect((await run('redrive', 'notes', stream)).stdout).to.contain('1 applied, 0 still parked')
    const { body: found } = await person.call('GET', '/v2/videos/dQw4w9WgXcQ/notes')
    expect(found.find((n: { id: number }) => n.id === body.id).text).to.equal('after')
    expect((await letters()).stdout).to.contain('a test planted it')
    // The other consumer of the topic met the same event.
    expect((await run('skip', 'user-videos', stream, pos, '--reason', 'a test planted it')).code).to.equal(0)
    await run('redrive', 'user-videos', stream)
    expect((await run('verify')).code).to.equal(0)
  }).timeout(150_000)

  it('P8: a service that makes events of events has its letters skipped and redriven by the same commands', async () => {
    const broken = `insert into log.events select max(pos) + 1, 'vidwiz.notes', 3, 'dQw4w9WgXcQ', 'note-999999', 1, gen_random_uuid(), 'NoteCreated', 1, 0, null, null, null, null, '{"noteId": "broken"}' from log.events`
    await sql(broken)
    await sql(`select pg_notify('log', 'vidwiz.notes')`)
    const letters = (consumer: string) => run('letters', consumer, '--stream', 'note-999999')
    await eventually(async () => expect((await letters('fetch-scheduler')).stdout).to.match(/NoteCreated +failed/))
    expect((await run('lag')).stdout).to.match(/^fetch-scheduler +vidwiz\.notes +all +\d+ +0 +\d+\.\d +1$/m)
    const redriven = await run('redrive', 'fetch-scheduler', 'note-999999')
    expect([redriven.code, redriven.stdout]).to.deep.equal([1, 'note-999999: 0 applied, 1 still parked\n'])
    const pos = / (\d+) +note-999999/.exec((await letters('fetch-scheduler')).stdout)![1]!
    for (const consumer of ['fetch-scheduler', 'notes', 'user-videos'])
      expect(await run('skip', consumer, 'note-999999', pos, '--reason', 'a test planted it')).to.include({ code: 0 })
    expect((await run('redrive', 'fetch-scheduler', 'note-999999')).stdout).to.contain('0 applied, 0 still parked')
    const { code, stderr } = await run('redrive', 'nonsense', 'note-1')
    expect([code, stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 1 && /no consumer nonsense; there are .*fetch-scheduler/.test(text),
    )
  })
})
