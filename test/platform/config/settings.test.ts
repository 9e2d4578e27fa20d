import { expect } from 'chai'
import { readSettings, type SettingsError } from '#platform/config/settings.ts'

const problemsOf = (env: Record<string, string>): string[] => {
  try {
    readSettings(env)
    return []
  } catch (error) {
    return (error as SettingsError).problems
  }
}

describe('settings of Kafka', () => {
  it('refuse half a login, and never show the half that is a secret', () => {
    expect(problemsOf({ KAFKA_SASL_USERNAME: 'me' })).to.deep.equal([
      'KAFKA_SASL_PASSWORD must be set, since KAFKA_SASL_USERNAME is',
    ])
    expect(problemsOf({ KAFKA_SASL_PASSWORD: 'hush' })).to.deep.equal([
      'KAFKA_SASL_USERNAME must be set, since KAFKA_SASL_PASSWORD is',
    ])
    expect(problemsOf({ KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: 'hush' })).to.deep.equal([])
  })

  it('refuse brokers that cannot be connected to', () => {
    for (const brokers of ['localhost', 'a:0', 'a:65536', 'a:1,', 'a:1 b:2'])
      expect(problemsOf({ KAFKA_BROKERS: brokers })).to.deep.equal(['KAFKA_BROKERS must be host:port[,host:port…]'])
    expect(readSettings({ KAFKA_BROKERS: 'a:1, b:65535' }).KAFKA_BROKERS).to.deep.equal(['a:1', 'b:65535'])
  })
})

describe('settings of AWS', () => {
  const notes = 'https://sqs.eu-west-1.amazonaws.com/123456789012/notes'
  const summaries = 'https://sqs.eu-west-1.amazonaws.com/123456789012/summaries'

  it('refuse half a key, and an endpoint with nothing to find there', () => {
    expect(problemsOf({ AWS_ACCESS_KEY_ID: 'me' })).to.deep.equal([
      'AWS_SECRET_ACCESS_KEY must be set, since AWS_ACCESS_KEY_ID is',
    ])
    expect(problemsOf({ S3_ENDPOINT: 'http://a' })).to.deep.equal(['S3_BUCKET_NAME must be set, since S3_ENDPOINT is'])
    expect(problemsOf({ SQS_ENDPOINT: 'http://a' })).to.deep.equal(['SQS_AI_NOTE_QUEUE_URL must be set, since SQS_ENDPOINT is'])
    // As a machine has it that runs a media worker alone.
    expect(problemsOf({ SQS_ENDPOINT: 'http://a', SQS_TRANSCRIPTION_QUEUE_URL: 'http://a/1/media' })).to.deep.equal([])
  })

  it('refuse what is not the URL of a standard queue', () => {
    for (const url of [
      'notes',
      'https://sqs.eu-west-1.amazonaws.com',
      'https://a/notes',
      'https://a/1/notes.fifo',
      'https://a/1/no tes',
    ])
      expect(problemsOf({ SQS_AI_NOTE_QUEUE_URL: url })[0], url).to.match(/^SQS_AI_NOTE_QUEUE_URL must be (a|the) URL/)
    for (const url of [notes, 'http://127.0.0.1:15324/000000000000/vidwiz-ai-notes', 'http://localhost:9324/queue/notes'])
      expect(problemsOf({ SQS_AI_NOTE_QUEUE_URL: url, AWS_REGION: 'eu-west-1' }), url).to.deep.equal([])
  })

  it('refuse queues of another region, unless they are reached by an endpoint', () => {
    const queues = { SQS_AI_NOTE_QUEUE_URL: notes, SQS_SUMMARY_QUEUE_URL: summaries }
    expect(problemsOf(queues)).to.deep.equal([
      'AWS_REGION must be eu-west-1, since SQS_AI_NOTE_QUEUE_URL is there',
      'AWS_REGION must be eu-west-1, since SQS_SUMMARY_QUEUE_URL is there',
    ])
    expect(problemsOf({ ...queues, AWS_REGION: 'eu-west-1' })).to.deep.equal([])
    expect(problemsOf({ ...queues, AWS_ENDPOINT_URL: 'http://a' })).to.deep.equal([])
  })

  it('refuse one queue for two kinds of messages', () => {
    const both = { SQS_AI_NOTE_QUEUE_URL: notes, SQS_SUMMARY_QUEUE_URL: notes, AWS_REGION: 'eu-west-1' }
    expect(problemsOf(both)).to.deep.equal([
      'SQS_SUMMARY_QUEUE_URL must be another queue than SQS_AI_NOTE_QUEUE_URL: their messages differ',
    ])
    const media = { SQS_SUMMARY_QUEUE_URL: notes, SQS_TRANSCRIPTION_QUEUE_URL: notes, AWS_REGION: 'eu-west-1' }
    expect(problemsOf(media)).to.deep.equal([
      'SQS_TRANSCRIPTION_QUEUE_URL must be another queue than SQS_SUMMARY_QUEUE_URL: their messages differ',
    ])
  })
})
