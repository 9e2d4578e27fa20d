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
    expect(servicesOf(key, true).sort()).to.deep.equal(Object.keys(services).sort())
    expect(servicesOf(key)).to.not.include('relay')
    expect(plan(key).idle).to.deep.equal([])
  })

  it('does without what others run, and says so', () => {
    const env = { ...key, VIDWIZ_WITHOUT: ' transcript-helper, metadata-helper,,lambda-runner, ' }
    expect(servicesOf(env)).to.not.include.members(['transcript-helper'])
    expect(plan(env).later.map(({ name }) => name)).to.deep.equal(['reactors'])
    expect(plan(env).idle.map(({ what }) => what)).to.deep.equal(['transcript-helper', 'metadata-helper', 'lambda-runner'])
    expect(plan({ ...key, VIDWIZ_WITHOUT: ' , ' }).idle).to.deep.equal([])
    expect(() => plan({ VIDWIZ_WITHOUT: 'api' })).to.throw('VIDWIZ_WITHOUT cannot leave out api: only fetch-scheduler,')
  })

  it('lets questions wait in the log while no model can be asked here, unless somebody else asks', () => {
    expect(servicesOf({})).to.include('ai-notes').and.to.not.include('sqs-bridge')
    expect(plan({}).idle[0]!.why).to.equal('GEMINI_API_KEY is not set; what is asked for meanwhile waits')
    expect(plan({ LLM_PROVIDER: 'openai' }).idle[0]!.why).to.match(/^OPENAI_API_KEY/)
    expect(servicesOf({ VIDWIZ_WITHOUT: 'lambda-runner' })).to.include('sqs-bridge')
    const elsewhere = { SQS_AI_NOTE_QUEUE_URL: 'http://127.0.0.1/1/q', SQS_SUMMARY_QUEUE_URL: 'http://127.0.0.1/1/s' }
    expect(servicesOf(elsewhere)).to.include('sqs-bridge').and.to.not.include('lambda-runner')
    expect(plan(elsewhere).idle.map(({ what }) => what)).to.deep.equal(['lambda-runner'])
  })

  it('names a queue that is missing before anything starts, for the bridge would keep all that shares its process from running', () => {
    const one = { ...key, SQS_AI_NOTE_QUEUE_URL: 'http://127.0.0.1/1/q' }
    expect(() => plan(one)).to.throw(/one is set: set both, or leave out sqs-bridge$/)
    expect(servicesOf({ ...one, VIDWIZ_WITHOUT: 'sqs-bridge' })).to.include('ai-notes')
    const both = plan({ ...one, SQS_SUMMARY_QUEUE_URL: 'http://127.0.0.1/1/s', S3_BUCKET_NAME: 'b' })
    expect(both.aws).to.equal(undefined)
  })
})
