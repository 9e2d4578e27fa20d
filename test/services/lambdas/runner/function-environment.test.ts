import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { functionEnvironment } from '#services/lambdas/runner/function-environment.ts'

const of = (env: Record<string, string>, name: 'ai-note' | 'tasks-dispatcher' = 'ai-note') =>
  functionEnvironment({ name, memoryMb: 256 }, readSettings(env), 'the token', env)

describe('the environment that the runner gives to a function', () => {
  it('has what the system is set to, under the names of the contract', () => {
    expect(
      of({
        PORT: '5001',
        GEMINI_MODEL_NAME: 'gemini-9',
        OPENAI_BASE_URL: 'http://127.0.0.1:1/v1/',
        S3_BUCKET_NAME: 'vidwiz',
        SQS_AI_NOTE_QUEUE_URL: 'http://127.0.0.1:1/0/notes',
        SQS_QUEUE_URL: 'http://127.0.0.1:1/0/of-another-worker',
        AWS_ENDPOINT_URL: 'http://127.0.0.1:2',
      }),
    ).to.include({
      VIDWIZ_ENDPOINT: 'http://127.0.0.1:5001',
      VIDWIZ_TOKEN: 'the token',
      GEMINI_MODEL: 'gemini-9',
      OPENAI_API_URL: 'http://127.0.0.1:1/v1/responses',
      S3_BUCKET_NAME: 'vidwiz',
      SQS_QUEUE_URL: 'http://127.0.0.1:1/0/notes',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:2',
      AWS_REGION: 'ap-south-1',
      AWS_LAMBDA_FUNCTION_NAME: 'ai-note',
    })
  })

  it('lets what is set under those names win', () => {
    const own = { VIDWIZ_ENDPOINT: 'http://api.example', GEMINI_MODEL: 'gemini-8', MAX_RETRIES: '7', VIDWIZ_TOKEN: 'another' }
    expect(of({ ...own, GEMINI_MODEL_NAME: 'gemini-9' })).to.include(own)
  })

  it('finds an API that listens everywhere, or at an address of IPv6', () => {
    expect(of({ HOST: '0.0.0.0' }).VIDWIZ_ENDPOINT).to.equal('http://127.0.0.1:5000')
    expect(of({ HOST: '::1' }).VIDWIZ_ENDPOINT).to.equal('http://[::1]:5000')
  })

  it('has the key of the model that it asks, and of no other', () => {
    const env = { LLM_PROVIDER: 'openai', GEMINI_API_KEY: 'g', OPENAI_API_KEY: 'o', OPENROUTER_API_KEY: 'r' }
    const keysIn = (own: Record<string, string>) => Object.keys(own).filter((name) => name.endsWith('_API_KEY'))
    expect(keysIn(of(env))).to.deep.equal(['OPENAI_API_KEY'])
    expect(keysIn(of(env, 'tasks-dispatcher'))).to.deep.equal([])
  })

  it('has no other secret of ours, nor where our database is', () => {
    const env = of({
      SECRET_KEY: 'hush',
      DB_URL: 'postgres://u:hush@127.0.0.1/x',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'hush',
    })
    expect(JSON.stringify(env)).not.to.include('hush')
  })
})
