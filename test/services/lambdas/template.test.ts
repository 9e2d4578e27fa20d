import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse, type ScalarTag } from 'yaml'
import type { EnvironmentError } from '#services/lambdas/kit/environment.ts'
import { functions, variables } from '#services/lambdas/kit/functions.ts'

/** CloudFormation's short forms, as the long ones that they stand for. */
const short = (name: string, long = `Fn::${name}`) =>
  (['scalar', 'map', 'seq'] as const).map((collection) => ({
    tag: `!${name}`,
    ...(collection !== 'scalar' && { collection }),
    // biome-ignore lint/suspicious/noExplicitAny: what a tag is put before may be anything
    resolve: (value: any) => ({ [long]: typeof value === 'string' ? value : value.toJSON() }),
  })) as unknown as ScalarTag[]

const customTags = [...short('Ref', 'Ref'), ...['GetAtt', 'Sub', 'If', 'Equals'].flatMap((name) => short(name))]

interface Resource {
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  Properties: any
}
const folder = join(import.meta.dirname, '..', '..', '..', 'services', 'lambdas')
const { Resources, Parameters, Globals } = parse(readFileSync(join(folder, 'template.yaml'), 'utf8'), { customTags }) as {
  Resources: Record<string, Resource>
  Parameters: Record<string, { NoEcho?: boolean }>
  Globals: { Function: Resource['Properties'] }
}
const ofType = (type: string) => Object.entries(Resources).filter(([, { Type }]) => Type === type)
const targetOf = (arn: { 'Fn::GetAtt': string }) => Resources[arn['Fn::GetAtt'].replace(/\.Arn$/, '')]!

const declared = functions.map((spec) => {
  const found = ofType('AWS::Serverless::Function').find(([, { Properties }]) => Properties.CodeUri.endsWith(`/${spec.name}.zip`))
  expect(found, spec.name).to.not.equal(undefined)
  const own = found![1].Properties
  const env = { ...Globals.Function.Environment.Variables, ...own.Environment.Variables }
  return {
    spec,
    properties: { ...Globals.Function, ...own },
    env: env as Record<string, unknown>,
    sources: Object.values(own.Events) as Resource[],
  }
})

describe('the SAM template', () => {
  it('deploys every function and no other, from the zips that make lambdas makes', () => {
    expect(ofType('AWS::Serverless::Function')).to.have.length(functions.length)
    const build = readFileSync(join(folder, 'build.ts'), 'utf8')
    expect(build).to.include("'..', '..', 'dist', 'lambdas'")
    for (const { spec, properties } of declared) {
      expect(properties.CodeUri).to.equal(`../../dist/lambdas/${spec.name}.zip`)
      // What zips.it.ts finds in each of them.
      expect(properties.Handler).to.equal('handler.handler')
      expect(existsSync(join(folder, spec.name, 'handler.ts'))).to.equal(true)
      expect(readFileSync(join(folder, spec.name, 'handler.ts'), 'utf8')).to.match(/^export const handler = /m)
    }
  })

  it('gives each function what it needs, and no variable that none knows', () => {
    for (const { spec, env } of declared) {
      // All that is declared is there, whichever model is chosen.
      for (const LLM_PROVIDER of ['gemini', 'openai', 'openrouter'])
        expect(() => spec.readEnvironment({ ...said(env), LLM_PROVIDER }), spec.name).not.to.throw()
      expect([...variables]).to.include.members(Object.keys(env))
    }
  })

  it('leaves nothing out: a function lacks what the template does not say', () => {
    for (const { spec, env } of declared) {
      const needed = missingOf(spec, {})
      expect(Object.keys(env)).to.include.members(needed)
      for (const name of needed) expect(missingOf(spec, { ...said(env), [name]: '' })).to.deep.equal([name])
    }
  })

  it('gives them the time and the memory that the runner gives them', () => {
    for (const { spec, properties } of declared) {
      expect(properties.Timeout).to.equal(spec.timeoutSeconds)
      expect(properties.MemorySize).to.equal(spec.memoryMb)
    }
  })

  it('feeds them from queues, in batches, with partial failures', () => {
    for (const { spec, sources } of declared) {
      expect(sources).to.have.length(1)
      const [{ Type, Properties }] = sources as [Resource]
      expect(Type).to.equal('SQS')
      expect(Properties.BatchSize).to.equal(spec.batchSize).and.to.be.at.most(10)
      expect(Properties.FunctionResponseTypes).to.deep.equal(['ReportBatchItemFailures'])
      const { Properties: queue } = targetOf(Properties.Queue)
      expect(queue.VisibilityTimeout).to.be.at.least(6 * spec.timeoutSeconds)
      expect(queue.RedrivePolicy.maxReceiveCount).to.equal(5)
      const dead = targetOf(queue.RedrivePolicy.deadLetterTargetArn)
      expect(dead.Properties.RedrivePolicy).to.equal(undefined)
      expect(dead.Properties.MessageRetentionPeriod).to.be.at.least(queue.MessageRetentionPeriod)
    }
  })

  it('has S3 tell the dispatcher of transcripts alone, over a queue that only that bucket may write to', () => {
    const [[, { Properties: bucket }]] = ofType('AWS::S3::Bucket') as [[string, Resource]]
    const [, { QueueConfigurations }] = bucket.NotificationConfiguration['Fn::If']
    const [{ Event, Queue, Filter }] = QueueConfigurations
    expect(Event).to.equal('s3:ObjectCreated:*')
    expect(Filter.S3Key.Rules).to.deep.equal([
      { Name: 'prefix', Value: 'transcripts/' },
      { Name: 'suffix', Value: '.json' },
    ])
    const dispatcher = declared.find(({ spec }) => spec.name === 'tasks-dispatcher')!
    expect(dispatcher.sources[0]!.Properties.Queue).to.deep.equal(Queue)
    const [[, { Properties: policy }]] = ofType('AWS::SQS::QueuePolicy') as [[string, Resource]]
    const [statement] = policy.PolicyDocument.Statement
    expect(statement).to.deep.include({ Principal: { Service: 's3.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: Queue })
    expect(statement.Condition).to.have.keys('ArnEquals', 'StringEquals')
  })

  it('lets each function do only what it does', () => {
    const allowed = declared.map(({ spec, properties }) => [
      spec.name,
      // biome-ignore lint/suspicious/noExplicitAny: as above
      properties.Policies.flatMap((policy: any) => policy.Statement.map(({ Action }: any) => Action)),
    ])
    expect(Object.fromEntries(allowed)).to.deep.equal({
      'ai-note': ['s3:GetObject'],
      'ai-summary': ['s3:GetObject'],
      'tasks-dispatcher': ['sqs:SendMessage'],
    })
  })

  it('shows no secret', () => {
    const secret = Object.keys(Parameters).filter((name) => /token|key/i.test(name))
    expect(secret).to.have.length(4)
    for (const name of secret) expect(Parameters[name]!.NoEcho, name).to.equal(true)
  })
})

/** Values of the right kind for what the template only knows when it is deployed. */
const said = (env: Record<string, unknown>) =>
  Object.fromEntries(Object.keys(env).map((name) => [name, /URL|ENDPOINT/.test(name) ? 'https://x.example' : 'x']))

function missingOf(spec: (typeof functions)[number], env: Record<string, string>): string[] {
  try {
    spec.readEnvironment({ ...env, LLM_PROVIDER: 'gemini' })
    return []
  } catch (error) {
    return (error as EnvironmentError).missing
  }
}
