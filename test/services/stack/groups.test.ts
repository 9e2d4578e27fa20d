import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { services } from '#services/index.ts'
import { planned } from '#services/stack/groups.ts'

const plan = (env: Record<string, string>, onKafka = false) => planned(readSettings(env), { onKafka })
const key = { GEMINI_API_KEY: 'k' }
const servicesOf = (env: Record<string, string>, onKafka = false) => {
  const { aws, first, api, later } = plan(env, onKafka)
  return [...(aws ? [aws] : []), ...first, api, ...later].flatMap((group) => group.services)
}

describe('what runs on one machine', () => {
  it('is everything there is, each once', () => {
    const all = { ...key, VIDWIZ_WITH: 'gpu-worker' }
    expect(servicesOf(all, true).sort()).to.deep.equal(Object.keys(services).sort())
    expect(servicesOf(key)).to.not.include('relay').and.to.not.include('gpu-worker')
    expect(plan(key).idle).to.deep.equal([])
  })

  it('does without what others run, and says so', () => {
    const env = { ...key, VIDWIZ_WITHOUT: ' transcript-helper, metadata-helper,,lambda-runner, ' }
    expect(servicesOf(env)).to.not.include.members(['transcript-helper'])
    expect(plan(env).later.map(({ name }) => name)).to.deep.equal(['reactors', 'ops'])
    expect(plan(env).idle.map(({ what }) => what)).to.deep.equal(['transcript-helper', 'metadata-helper', 'lambda-runner'])
    expect(plan({ ...key, VIDWIZ_WITHOUT: ' , ' }).idle).to.deep.equal([])
    expect(() => plan({ VIDWIZ_WITHOUT: 'api' })).to.throw('VIDWIZ_WITHOUT cannot leave out api: only fetch-scheduler,')
  })

  it('has the page for operators in a process of its own, which must stand where others hang', () => {
    expect(plan(key).later).to.deep.include({ name: 'ops', services: ['ops'] })
    expect(servicesOf({ ...key, VIDWIZ_WITHOUT: 'ops' })).to.not.include('ops')
  })

  it('lets questions wait in the log while no model can be asked here, unless somebody else asks', () => {
    expect(servicesOf({})).to.include('ai-notes').and.to.not.include('sqs-bridge')
    expect(plan({}).idle[0]!.why).to.equal('GEMINI_API_KEY is not set; what is asked for meanwhile waits')
    expect(plan({ LLM_PROVIDER: 'openai' }).idle[0]!.why).to.match(/^OPENAI_API_KEY/)
    expect(servicesOf({ VIDWIZ_WITHOUT: 'lambda-runner' })).to.include('sqs-bridge')
    const elsewhere = {
      SQS_AI_NOTE_QUEUE_URL: 'http://127.0.0.1/1/q',
      SQS_SUMMARY_QUEUE_URL: 'http://127.0.0.1/1/s',
      SQS_TRANSCRIPTION_QUEUE_URL: 'http://127.0.0.1/1/m',
    }
    expect(servicesOf(elsewhere)).to.include('sqs-bridge').and.to.not.include('lambda-runner')
    expect(plan(elsewhere).idle.map(({ what }) => what)).to.deep.equal(['lambda-runner'])
  })

  it('names a queue that is missing before anything starts, for the bridge would keep all that shares its process from running', () => {
    const one = { ...key, SQS_AI_NOTE_QUEUE_URL: 'http://127.0.0.1/1/q' }
    expect(() => plan(one)).to.throw(/only one of .* is set: set both, or leave out sqs-bridge$/)
    expect(servicesOf({ ...one, VIDWIZ_WITHOUT: 'sqs-bridge' })).to.include('ai-notes')
    const both = plan({ ...one, SQS_SUMMARY_QUEUE_URL: 'http://127.0.0.1/1/s', S3_BUCKET_NAME: 'b' })
    expect(both.aws).to.equal(undefined)
  })

  it('has a worker for media where somebody asks for one, in a process of its own that tells how it comes along', () => {
    const env = { ...key, VIDWIZ_WITH: 'gpu-worker' }
    expect(plan(env).later.at(-1)).to.deep.equal({ name: 'gpu-worker', services: ['gpu-worker'], tells: true })
    expect(plan({ ...env, MEDIA_FALLBACK: '1' }).idle).to.deep.equal([])
    expect(() => plan({ VIDWIZ_WITH: 'tpu-worker' })).to.throw('VIDWIZ_WITH cannot add tpu-worker: only gpu-worker')
  })

  it('says how to have videos heard when somebody wants that and nobody hears them here', () => {
    expect(plan({ ...key, MEDIA_FALLBACK: '1' }).idle).to.have.lengthOf(1)
    expect(plan({ ...key, MEDIA_FALLBACK: '1' }).idle[0]).to.include({ what: 'gpu-worker' })
    expect(plan({ ...key, MEDIA_FALLBACK: '1' }).idle[0]!.why).to.include('VIDWIZ_WITH=gpu-worker make start')
  })

  it('lets jobs of media wait in the log while the queues are elsewhere and theirs is not named', () => {
    const queues = { SQS_AI_NOTE_QUEUE_URL: 'http://127.0.0.1/1/q', SQS_SUMMARY_QUEUE_URL: 'http://127.0.0.1/1/s' }
    expect(servicesOf({ ...key, ...queues }))
      .to.include('media-scheduler')
      .and.to.not.include('media-bridge')
    expect(plan({ ...key, ...queues }).idle[0]!.why).to.match(/^SQS_TRANSCRIPTION_QUEUE_URL is not set/)
    expect(() => plan({ ...key, ...queues, VIDWIZ_WITH: 'gpu-worker' })).to.throw('SQS_TRANSCRIPTION_QUEUE_URL must be set')
    const alone = { ...key, SQS_TRANSCRIPTION_QUEUE_URL: 'http://127.0.0.1/1/m' }
    expect(() => plan(alone)).to.throw('the other two queues are not')
    expect(servicesOf({ ...alone, VIDWIZ_WITHOUT: 'sqs-bridge' })).to.include('media-bridge')
  })
})
