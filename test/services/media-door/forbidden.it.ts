import { expect } from 'chai'
import pg from 'pg'
import { openDb } from '#platform/pg/pool.ts'
import { untilShown } from '#services/kit/door/where.ts'
import { eventually } from '#test/kit/eventually.ts'
import { vidwiz } from '#test/kit/run.ts'
import { type DoorWorld, type Job, linesOf, startDoorWorld } from './jobs.ts'

/** What the role tries, and with which word it is refused. */
const FORBIDDEN: Record<string, [statement: string, refused: RegExp][]> = {
  'reads what lies elsewhere': [
    ['select * from log.events', /does not exist/],
    ['select * from views.users', /does not exist/],
    ['select * from kept.jobs', /permission denied for schema kept/],
    ['select * from kept.entries', /permission denied for schema kept/],
    ['select * from kept.door', /permission denied for schema kept/],
    ['select * from public.migrations', /permission denied for schema public/],
    [`select kept.write_entry(null, 'status', 'failed', null, null, now()::timestamp)`, /permission denied for schema kept/],
    ['select * from pg_authid', /permission denied/],
    ['select * from pg_shadow', /permission denied/],
    ['select * from pg_statistic', /permission denied/],
    ['select * from pg_stat_activity', /permission denied/],
    ['select * from pg_stat_get_activity(null)', /permission denied/],
    ['select * from pg_largeobject', /permission denied/],
    [`select query_to_xml('select 1', true, true, '')`, /permission denied/],
    ['select * from users for update', /permission denied|cannot lock/],
  ],
  'makes something': [
    ['create table door.x (a int)', /permission denied for schema door/],
    ['create table public.x (a int)', /permission denied for schema public/],
    ['create temp table x (a int)', /permission denied to create temporary/],
    ['select * into temp y from users', /permission denied to create temporary/],
    ['create view door.x as select 1', /permission denied for schema door/],
    ['create schema mine', /permission denied for database/],
    [`create function door.f() returns int language sql as 'select 1'`, /permission denied/],
    [`create function pg_temp.f() returns int language sql as 'select 1'`, /permission denied/],
    [`do $$ begin perform 1; end $$`, /permission denied for language plpgsql/],
    ['create extension dblink', /permission denied|not available/],
    ['create extension postgres_fdw', /permission denied|not available/],
    ['create database mine', /permission denied/],
    ['create role mine', /permission denied/],
    [`create publication mine`, /permission denied/],
    [`create subscription mine connection 'host=127.0.0.1' publication p`, /permission denied|must be|only roles/i],
    [`create event trigger mine on ddl_command_start execute function kept.on_file()`, /permission denied/],
    ['create trigger t instead of update on door.users for each row execute function kept.on_video()', /permission denied/],
    ['create rule r as on select to door.users do instead nothing', /must be owner|permission denied/],
    ['select lo_create(0)', /permission denied/],
    [`select lo_from_bytea(0, 'x')`, /permission denied/],
    [`select lo_import('/etc/passwd')`, /permission denied/],
    [`select pg_logical_emit_message(false, 'a', 'b')`, /permission denied/],
  ],
  'changes something': [
    ['drop view door.users', /must be owner/],
    ['alter view door.users owner to current_user', /must be owner/],
    ['alter view door.users set (security_barrier = false)', /must be owner/],
    ['truncate door.transcripts', /permission denied|is not a table/],
    ['delete from door.videos', /permission denied|cannot delete/],
    [`update users set email = 'a@b.c'`, /permission denied|cannot update/],
    [`update transcripts set file_path = 's3://a/b'`, /permission denied|cannot update/],
    [`update pg_class set relname = 'x'`, /permission denied/],
    [`insert into transcripts (id, video_id, file_path) values (1, 1, 's3://a/b')`, /the database gives the id/],
    [`alter role current_user createdb`, /permission denied/],
    [`alter role current_user connection limit 1000`, /permission denied/],
    [`alter system set log_statement = 'all'`, /permission denied/],
    [`set temp_file_limit = -1`, /permission denied/],
    [`set session_replication_role = replica`, /permission denied/],
    [`set log_min_duration_statement = 0`, /permission denied/],
  ],
  'becomes somebody else': [
    ['set role vidwiz', /permission denied|does not exist/],
    ['set role pg_read_all_data', /permission denied/],
    ['set role pg_monitor', /permission denied/],
    ['set session authorization vidwiz', /permission denied|does not exist/],
    ['set session authorization postgres', /permission denied|does not exist/],
  ],
  'reaches the machine': [
    [`copy (select 1) to program 'cat'`, /permission denied/],
    [`copy transcripts from program 'cat'`, /permission denied/],
    [`copy (select 1) to '/tmp/vidwiz-door'`, /permission denied/],
    [`copy transcripts (file_path) from '/etc/passwd'`, /permission denied/],
    [`select pg_read_file('/etc/passwd')`, /permission denied/],
    [`select pg_ls_dir('.')`, /permission denied/],
    [`load 'auto_explain'`, /access .* not allowed|permission denied|could not access/],
    [`select pg_reload_conf()`, /permission denied/],
  ],
  'is in the way of others': [
    ['select pg_advisory_lock(7001)', /permission denied/],
    ['select pg_advisory_xact_lock(7001)', /permission denied/],
    ['select pg_try_advisory_lock_shared(7001)', /permission denied/],
    [`select pg_notify('checkpoints', 'no JSON')`, /permission denied/],
    ['select pg_sleep(1)', /permission denied/],
    ['select pg_terminate_backend(1)', /permission denied/],
    ['select pg_cancel_backend(1)', /permission denied/],
    ['begin; lock table kept.jobs', /permission denied/],
    ['select pg_export_snapshot()', /permission denied/],
    ['begin; lock table door.videos in access exclusive mode', /permission denied/],
    ['vacuum kept.entries', /permission denied/],
    ['checkpoint', /permission denied/],
  ],
}

describe('the role of workers that know no HTTP', function () {
  this.timeout(60_000)
  let world: DoorWorld
  let worker: pg.Client
  let job: Job
  before(async () => {
    world = await startDoorWorld()
    worker = await world.connect()
    job = await world.job()
    // Somebody whose address is nobody's business: the job of that user is over.
    await world.db.query(
      't.user',
      `insert into views.users (user_id, email, ai_notes, created_at, version) values (999, 'secret@example.com', false, now(), 1)`,
    )
  })
  after(() => world?.stop())

  const outcome = (text: string, client = worker) =>
    client.query(text).then(
      () => 'went through',
      (error: Error) => error.message,
    )

  for (const [does, tries] of Object.entries(FORBIDDEN))
    it(`is refused when it ${does}`, async () => {
      for (const [statement, refused] of tries) {
        const said = await outcome(statement)
        await worker.query('rollback')
        expect(said, statement).to.match(refused)
      }
    })

  it('finds no address but those of jobs under way, wherever it looks', async () => {
    expect((await worker.query('select id, email from users')).rows).to.deep.equal([{ id: String(job.userId), email: job.email }])
    const catalog = await worker.query(
      `select c.oid::regclass as name from pg_class c join pg_namespace n on n.oid = relnamespace
        where relkind in ('r', 'v', 'm', 'f', 'p') and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')`,
    )
    for (const { name } of catalog.rows) {
      const { rows } = await worker
        .query(`select t::text as row from ${name} t where t::text like '%secret@example%'`)
        .catch(() => ({ rows: [] }))
      const itself = rows.filter(({ row }) => !String(row).includes('secret@example%'))
      expect(itself, name).to.deep.equal([])
    }
  })

  it('learns nothing from errors of its own conditions', async () => {
    const said = await outcome(`select * from transcripts where 1 / (case when file_path is null then 0 else 1 end) = 1`)
    expect(said).to.equal('went through')
    expect((await worker.query('select count(*) from transcripts')).rows[0].count).to.equal('0')
  })

  it('cannot connect to our database, so it hears and says nothing there', async () => {
    const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_PASSWORD: password } = world.env
    const database = new URL(world.stack.databaseUrl).pathname.slice(1)
    const client = new pg.Client({ host, port: Number(port), user, password, database })
    const said = await client.connect().then(
      () => 'connected',
      (error: Error) => error.message,
    )
    expect(said).to.match(/permission denied for database/)
  })

  it('may say and hear what it likes on its own channels: nobody else notices', async () => {
    const heard: unknown[] = []
    worker.on('notification', (notification) => heard.push(notification))
    await worker.query('listen checkpoints; listen log')
    const later = await world.job()
    for (let i = 0; i < 200; i++) await worker.query(`notify checkpoints, 'no JSON'; notify log, 'x'; notify door, 'x'`)
    // Only its own.
    expect(heard.every((one) => ['no JSON', 'x'].includes((one as pg.Notification).payload!))).to.equal(true)
    await worker.query('unlisten *')
    await worker.query(`update videos set status = 'processing' where id = $1`, [later.number])
    await eventually(async () =>
      expect((await world.events(later.videoId)).map(({ type }) => type)).to.include('MediaProcessingStarted'),
    )
  })

  it('writes no more about a job than a thousand times', async () => {
    const busy = await world.job()
    const { rowCount } = await worker.query(
      `insert into quizzes (video_id, file_path) select $1, 's3://things/quizzes/none.json' from generate_series(1, 990)`,
      [busy.number],
    )
    expect(rowCount).to.equal(990)
    const said = await outcome(
      `insert into quizzes (video_id, file_path) select ${busy.number}, 's3://a/b' from generate_series(1, 100)`,
    )
    expect(said).to.match(/too much was written/)
    const other = await world.job()
    await worker.query(`update videos set status = 'processing' where id = $1`, [other.number])
    await eventually(async () =>
      expect((await world.events(other.videoId)).map(({ type }) => type)).to.include('MediaProcessingStarted'),
    )
  })

  it('has twenty connections, and statements that end', async () => {
    // A pooler lets more clients in, and asks the database for a connection at the first statement.
    const clients = await Promise.all(
      Array.from({ length: 24 }, () =>
        world.connect({ direct: true }).then(
          (client) => client,
          (error: Error) => error.message,
        ),
      ),
    )
    expect(clients.filter((one) => typeof one === 'string')).to.satisfy(
      (said: string[]) => said.every((one) => /too many connections/.test(one)) && said.length >= 4,
    )
    for (const one of clients) if (typeof one !== 'string') await one.end()
    expect((await worker.query('show statement_timeout')).rows[0].statement_timeout).to.equal('30s')
    expect((await worker.query('show search_path')).rows[0].search_path).to.equal('door')
  })

  it('is gone when the door is closed, and everybody else can connect as before', async () => {
    const name = world.env.DB_NAME
    const { code, stdout, stderr } = await world.cli('media', 'door', '--close', '--force')
    expect(code, stderr).to.equal(0)
    expect(stdout).to.contain('closed')
    const left = await world.db.query(
      't.left',
      `select from pg_roles where rolname = $1 union all select from pg_database where datname = $1`,
      [name],
    )
    expect(left).to.have.lengthOf(0)
    const [open] = await world.db.query(
      't.public',
      `select has_database_privilege('public', current_database(), 'connect') as open`,
    )
    expect(open).to.deep.equal({ open: true })
    // Where no door is, no message waits for one.
    expect(await untilShown(world.db, { videoId: 'nobodys1234', jobId: 1 }, { withinMs: 0 })).to.equal(true)
    expect((await world.cli('media', 'door', '--close')).stderr).to.contain('there is no door')
  })

  it('is opened again under the eyes of the service', async () => {
    const { stdout, code, stderr } = await world.cli('media', 'door')
    expect(code, stderr).to.equal(0)
    Object.assign(world.env, linesOf(stdout))
    worker = await world.connect()
    await eventually(async () => expect((await worker.query('select from videos')).rowCount).to.be.greaterThan(0))
    // Now a message waits for its job, but not for ever.
    expect(await untilShown(world.db, { videoId: 'nobodys1234', jobId: 1 }, { withinMs: 100 })).to.equal(false)
  })

  it('is made only by who may make roles, who is told what is missing', async () => {
    const url = new URL(world.stack.databaseUrl)
    const db = openDb(url.href, { max: 1 })
    const role = `poor_${url.pathname.slice(-8)}`
    try {
      await db.connection(async (client) => {
        await client.query(`create role ${role} login password 'x'`)
        await client.query(`grant connect on database ${url.pathname.slice(1)} to ${role}`)
        await client.query(`grant usage on schema log to ${role}; grant select on all tables in schema log to ${role}`)
      })
      const poor = new URL(url)
      poor.username = role
      poor.password = 'x'
      const { code, stderr } = await vidwiz(['media', 'door', '--rotate'], { ...world.stack.env, DB_URL: poor.href }).finished
      expect(code).to.equal(1)
      expect(stderr).to.contain(`let an administrator run: alter role "${role}" createrole createdb`)
    } finally {
      await db.connection((client) => client.query(`drop owned by ${role}; drop role ${role}`))
      await db.close()
    }
  })
})
