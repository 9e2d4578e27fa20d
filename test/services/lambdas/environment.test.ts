import { expect } from 'chai'
import {
  type Environment,
  EnvironmentError,
  readAiNoteEnvironment,
  readAiSummaryEnvironment,
  readDispatcherEnvironment,
} from '#services/lambdas/kit/environment.ts'

const least = {
  S3_BUCKET_NAME: 'b',
  VIDWIZ_ENDPOINT: 'http://api.example/',
  VIDWIZ_TOKEN: 'a token',
  GEMINI_API_KEY: 'a key',
}

const problemOf = (read: (env: Environment) => unknown, env: Environment) => {
  try {
    read(env)
    return undefined
  } catch (error) {
    expect(error).to.be.instanceOf(EnvironmentError)
    return (error as EnvironmentError).message
  }
}

describe('the environment of a Lambda', () => {
  it('has the defaults of the contract', () => {
    const { transcript, attempts, lengths, window, api, model } = readAiNoteEnvironment(least)
    expect({ transcript, attempts, lengths, window, api, model }).to.deep.equal({
      transcript: { attempts: 5, delayMs: 2_000 },
      attempts: 3,
      lengths: { min: 40, max: 120 },
      window: { bufferSeconds: 15, contextRows: 15 },
      api: { url: 'http://api.example', token: 'a token', timeoutMs: 30_000 },
      model: {
        provider: 'gemini',
        apiKey: 'a key',
        model: 'gemini-2.5-flash',
        url: 'https://generativelanguage.googleapis.com',
        timeoutMs: 30_000,
      },
    })
    expect(readAiSummaryEnvironment(least).lengths).to.deep.equal({ min: 200, max: 800 })
    expect(readAiNoteEnvironment({ ...least, LLM_PROVIDER: 'openai', OPENAI_API_KEY: 'o' }).model).to.deep.equal({
      provider: 'openai',
      apiKey: 'o',
      model: 'gpt-5-nano',
      url: 'https://api.openai.com/v1/responses',
      timeoutMs: 30_000,
    })
  })

  it('stops the start with the name of each variable that is missing', () => {
    for (const name of Object.keys(least)) {
      expect(problemOf(readAiNoteEnvironment, { ...least, [name]: '' })).to.equal(`${name} is missing`)
      expect(problemOf(readAiSummaryEnvironment, { ...least, [name]: undefined })).to.equal(`${name} is missing`)
    }
    expect(problemOf(readAiNoteEnvironment, { ...least, LLM_PROVIDER: 'openai' })).to.equal('OPENAI_API_KEY is missing')
    expect(problemOf(readDispatcherEnvironment, {})).to.equal(
      'VIDWIZ_ENDPOINT is missing, VIDWIZ_TOKEN is missing, SQS_QUEUE_URL is missing, SQS_SUMMARY_QUEUE_URL is missing',
    )
  })

  it('names what is wrong, and never its value', () => {
    const env = {
      ...least,
      VIDWIZ_ENDPOINT: 'api.example',
      LLM_PROVIDER: 'me',
      MAX_RETRIES: '0',
      REQUEST_TIMEOUT: 'soon',
      MIN_NOTE_LENGTH: '200',
    }
    expect(problemOf(readAiNoteEnvironment, env)!.split(', ')).to.include.members([
      'VIDWIZ_ENDPOINT must be a URL that begins with http:// or https://',
      'REQUEST_TIMEOUT must be a number',
      'MAX_RETRIES must be a whole number',
      'MIN_NOTE_LENGTH must not be more than MAX_NOTE_LENGTH',
    ])
    expect(problemOf(readAiNoteEnvironment, env)).not.to.match(/soon|api\.example/)
  })

  it('finds S3 and SQS where the SDK would, and each under its own name first', () => {
    const both = { ...least, AWS_ENDPOINT_URL: 'http://both' }
    expect(readAiNoteEnvironment(both).aws).to.include({ s3Endpoint: 'http://both', sqsEndpoint: 'http://both' })
    expect(readAiNoteEnvironment({ ...both, S3_ENDPOINT: 'http://s3', AWS_ENDPOINT_URL_SQS: 'http://q' }).aws).to.include({
      s3Endpoint: 'http://s3',
      sqsEndpoint: 'http://q',
    })
    expect(readAiNoteEnvironment(least).aws).to.include({ s3Endpoint: undefined, sqsEndpoint: undefined })
  })
})
