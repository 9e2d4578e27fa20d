import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { expect } from 'chai'
import { openQueues } from '#platform/sqs/open.ts'
import { listenerFolder } from '#platform/whisper/install.ts'
import { openBreaker } from '#platform/ytdlp/breaker.ts'
import type { Checked } from '#services/cli/doctor/check.ts'
import { freePort } from '#test/kit/free-port.ts'
import { startLocalAws } from '#test/kit/local-aws.ts'
import { freshDatabase } from '#test/kit/postgres.ts'
import { vidwiz } from '#test/kit/run.ts'
import { startS3 } from '#test/kit/s3.ts'
import { testListener, whisperData } from '#test/kit/whisper.ts'

const KEY = 'a model key that only tests use'

describe('vidwiz doctor', function () {
  this.timeout(60_000)
  let data: string
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'vidwiz-doctor-'))
  })
  afterEach(() => rmSync(data, { recursive: true }))
  const examined = async (env: NodeJS.ProcessEnv) => {
    const { code, stdout, stderr } = await vidwiz(['doctor', '--json'], {
      VIDWIZ_DATA: data,
      PORT: String(await freePort()),
      ...env,
    }).finished
    const checked: Checked[] = JSON.parse(stdout || expect.fail(stderr))
    const of = (name: string) => checked.find((one) => one.name === name) ?? expect.fail(`nothing about ${name}`)
    return { code, of, stdout }
  }

  it('finds all that a machine of its own needs, and says what is missing without it being needed', async () => {
    const { code, of } = await examined({})
    expect(code).to.equal(0)
    for (const name of ['Node', 'data folder', 'database', 'bucket']) expect(of(name)).to.include({ state: 'ok', isNeeded: true })
    expect(of('model key')).to.include({
      state: 'missing',
      isNeeded: false,
      remedy: 'set GEMINI_API_KEY, or another LLM_PROVIDER',
    })
    expect(of('YouTube')).to.include({ state: 'ok' })
  })

  it('says what a machine without Python has to do without, and that notes still work', async () => {
    const { code, of } = await examined({ PATH: '/nowhere' })
    expect(code).to.equal(0)
    expect(of('Python')).to.include({ state: 'missing', isNeeded: false })
    expect(of('Python').cost).to.contain('no transcripts').and.to.contain('notes still work')
    expect(of('Python').remedy).to.contain('3.11')
  })

  it('reaches the database, the bucket and the queues that are set, and shows no key', async () => {
    const [database, s3] = [await freshDatabase(), await startS3()]
    const {
      S3_ENDPOINT: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    } = s3.env
    const sqs = new SQSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } })
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'notes' }))
    await sqs.send(new CreateQueueCommand({ QueueName: 'summaries' }))
    sqs.destroy()
    const of = { SQS_AI_NOTE_QUEUE_URL: QueueUrl, SQS_SUMMARY_QUEUE_URL: QueueUrl!.replace('notes', 'summaries') }
    const env = { ...s3.env, AWS_ENDPOINT_URL: endpoint, ...of, DB_URL: database.url, GEMINI_API_KEY: KEY }
    const well = await examined(env)
    expect([well.code, well.of('database').detail, well.of('bucket').detail]).to.deep.equal([
      0,
      'answers at DB_URL',
      'things answers',
    ])
    expect(well.of('SQS_AI_NOTE_QUEUE_URL')).to.include({
      state: 'warning',
      detail: 'answers; messages waiting: 0; no dead-letter queue',
    })
    expect(well.of('model key')).to.include({ state: 'ok', detail: 'GEMINI_API_KEY is set, for gemini' })
    for (const secret of [KEY, secretAccessKey, accessKeyId]) expect(well.stdout).not.to.contain(secret)

    const gone = await examined({ ...env, S3_BUCKET_NAME: 'another', SQS_SUMMARY_QUEUE_URL: `${QueueUrl}-that-is-not-there` })
    expect(gone.code).to.equal(1)
    for (const name of ['bucket', 'SQS_SUMMARY_QUEUE_URL']) expect(gone.of(name)).to.include({ state: 'failed', isNeeded: true })
    const half = { ...env, SQS_SUMMARY_QUEUE_URL: '' }
    expect((await examined(half)).of('SQS_SUMMARY_QUEUE_URL')).to.include({ state: 'missing', isNeeded: true })
    const withoutBridge = await examined({ ...half, VIDWIZ_WITHOUT: 'sqs-bridge' })
    expect(withoutBridge.of('SQS_SUMMARY_QUEUE_URL')).to.include({ state: 'missing', isNeeded: false })
    await s3.stop()
    const away = await examined({ ...env, KAFKA_BROKERS: `127.0.0.1:${await freePort()}` })
    expect(away.code).to.equal(1)
    expect(away.of('bucket').cost).to.equal('no transcript can be stored or read')
    await database.drop()
  })

  it('finds the S3 and SQS of the data folder, whether they run or not, with the dead letters in them', async () => {
    const names = ['bucket', 'SQS_AI_NOTE_QUEUE_URL', 'SQS_SUMMARY_QUEUE_URL']
    const resting = await examined({})
    for (const name of names) expect(resting.of(name).detail).to.contain('in the data folder').and.to.contain('not run just now')
    const local = await startLocalAws()
    const queues = await openQueues(local.settings())
    const url = local.settings().SQS_AI_NOTE_QUEUE_URL!
    await queues.sendBatch(url, [{ id: '1', body: '{}' }])
    await queues.sendBatch(`${url}-dead`, [{ id: '1', body: '{}' }])
    queues.close()
    const { code, of, stdout } = await examined({ VIDWIZ_DATA: local.data })
    expect([code, of('bucket').detail]).to.deep.equal([0, 'vidwiz in the data folder answers'])
    expect(of('SQS_SUMMARY_QUEUE_URL')).to.include({ state: 'ok', detail: 'in the data folder, answers; messages waiting: 0' })
    expect(of('SQS_AI_NOTE_QUEUE_URL')).to.deep.include({
      state: 'warning',
      detail: 'in the data folder, answers; messages waiting: 1; dead letters: 1',
      remedy: '`npx vidwiz queues peek vidwiz-ai-notes` shows them',
    })
    expect(stdout).not.to.contain(local.env().AWS_SECRET_ACCESS_KEY!)
    await local.stop()
  })

  it('does not miss what only parts need that are left out, and says what idles for want of a key', async () => {
    const parts = ['sqs-bridge', 'lambda-runner', 'transcript-helper', 'metadata-helper']
    const { of } = await examined({ PATH: '/nowhere', VIDWIZ_WITHOUT: parts.join() })
    for (const name of ['Python', 'yt-dlp', 'YouTube', 'Lambdas', 'SQS_AI_NOTE_QUEUE_URL', 'SQS_SUMMARY_QUEUE_URL'])
      expect(of(name), name)
        .to.include({ state: 'ok', isNeeded: false })
        .and.to.have.property('detail')
        .that.contains('leaves out')
    expect(of('model key').cost).to.equal('Wiz chat answers 500')
    const whole = await examined({})
    expect(whole.of('model key').cost).to.contain('notes and summaries by AI idle')
    expect(whole.of('Lambdas'))
      .to.include({ state: 'ok' })
      .and.to.have.property('detail')
      .that.matches(/^esbuild \d/)
  })

  it('says what a media worker needs where somebody asks for one, and installs nothing', async () => {
    const names = ['faster-whisper', 'ffmpeg', 'device', 'Whisper model', 'disk of gpu-worker', 'study key']
    const without = await examined({})
    for (const name of names) expect(without.stdout).to.not.include(`"${name}"`)

    const before = await examined({ VIDWIZ_WITH: 'gpu-worker', WHISPER_DEVICE: 'cpu', WHISPER_MODEL: 'large-v3' })
    expect(before.of('faster-whisper').detail).to.match(/^not yet: [\d.]+ is installed when a gpu-worker starts$/)
    expect(before.of('Whisper model').detail).to.equal('not yet: large-v3 is downloaded when a gpu-worker starts')
    expect(before.of('device')).to.include({ state: 'warning', detail: 'cpu, with large-v3' })
    expect(before.of('study key')).to.include({ state: 'missing', isNeeded: false })
    expect(before.of('SQS_TRANSCRIPTION_QUEUE_URL')).to.include({ isNeeded: true })
    expect(readdirSync(listenerFolder(data))).to.deep.equal([])

    const wrong = await examined({ VIDWIZ_WITH: 'gpu-worker', WHISPER_DEVICE: 'cpu', WHISPER_MODEL: data })
    expect(wrong.of('Whisper model')).to.include({ state: 'failed', isNeeded: true })
    expect(wrong.code).to.equal(1)
  })

  it('finds a media worker that is installed, its ffmpeg and its device', async function () {
    await testListener(this)
    const env = { VIDWIZ_WITH: 'gpu-worker', VIDWIZ_DATA: whisperData, WHISPER_MODEL: 'base', GEMINI_API_KEY: KEY }
    const { of, stdout } = await examined({ ...env, WHISPER_DEVICE: 'cpu' })
    expect(of('faster-whisper').detail).to.match(/^[\d.]+, \/.*vidwiz-tests-whisper/)
    expect(of('ffmpeg').detail).to.match(/^[\w.-]+, \/.*imageio_ffmpeg/)
    expect([of('device').state, of('device').detail]).to.deep.equal(['ok', 'cpu'])
    expect(of('study key').detail).to.equal('GEMINI_API_KEY is set, for gemini')
    expect(stdout).to.not.include(KEY)
    const cuda = await examined({ ...env, WHISPER_DEVICE: 'auto' })
    expect(cuda.of('device').detail).to.match(/^cpu$|^cuda/)
  })

  it('tells a port that the API has from one that somebody else has, and that YouTube refused us', async () => {
    await openBreaker(data, 'a bot check')
    const other = createServer((socket) => socket.end('no HTTP here\n')).listen(0, '127.0.0.1')
    const port =
      (other.address() as AddressInfo | null)?.port ??
      (await new Promise<number>((resolve) => other.once('listening', () => resolve((other.address() as AddressInfo).port))))
    const { code, of } = await examined({ PORT: String(port) })
    other.close()
    expect(code).to.equal(1)
    expect(of(`port ${port}`)).to.include({ state: 'failed', detail: 'another program uses it', isNeeded: true })
    expect(of('YouTube')).to.include({ state: 'warning', detail: 'refused us: a bot check' })
    expect(of('YouTube').cost).to.match(/^nothing is fetched until \d{4}-/)
  })

  it('asks for Java only where Kafka shall run on this machine', async () => {
    expect((await examined({ KAFKA_LOCAL: '1', PATH: '/nowhere' })).of('Java')).to.include({ state: 'missing', isNeeded: true })
    const { stdout } = await examined({})
    expect(stdout).not.to.contain('"Java"')
  })
})
