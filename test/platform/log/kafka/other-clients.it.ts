import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { javaProgram } from '#platform/kafka/local/java.ts'
import { fetched } from '#platform/kafka/local/maven.ts'
import { group, topic } from '#test/conformance/log/groups.ts'
import { eventually } from '#test/kit/eventually.ts'
import { kafkaBrokers } from '#test/kit/kafka.ts'
import { remembering, type Workbench, workbench } from './workbench.ts'

const POM = join(import.meta.dirname, '../../../../platform/kafka/local/pom.xml')

describe('programs of others', () => {
  let bench: Workbench
  before(async function () {
    await kafkaBrokers(this)
    bench = await workbench()
    bench.relay()
    const data = '{"noteId":1,"text":"é"}'
    await bench.writer.append([group('thing-1', 0, [{ data, actor: 'user-7', correlationId: 'c-1', traceparent: '00-1-2-01' }])])
  })
  after(() => bench?.close())

  /** Runs one of Kafka's own command line tools. */
  async function tool(main: string, ...args: string[]): Promise<string> {
    const classpath = join(await fetched('kafka', POM, 'copy', console.error), '*')
    const java = ['-XX:TieredStopAtLevel=1', '-cp', classpath, main, '--bootstrap-server', bench.options.brokers.join()]
    return (await promisify(execFile)(javaProgram(), [...java, ...args])).stdout
  }

  it("read an event from its topic: Kafka's console consumer, in Java", async () => {
    const printed = await tool(
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--topic', bench.options.prefix + topic.name, '--from-beginning', '--max-messages', '1', '--timeout-ms', '20000'],
      ...['--property', 'print.headers=true', '--property', 'print.key=true'],
    )
    const [headers, key, value] = printed.trim().split('\t')
    expect([key, value]).to.deep.equal(['thing-1', '{"noteId":1,"text":"é"}'])
    const named = Object.fromEntries(headers!.split(',').map((header) => header.split(/:(.*)/s).slice(0, 2)))
    expect(named).to.include({ ce_specversion: '1.0', ce_type: 'Happened', ce_source: 'vidwiz', ce_subject: 'thing-1' })
    expect(named).to.include({
      ce_pos: '1',
      ce_streamversion: '1',
      ce_schemaversion: '1',
      ce_actor: 'user-7',
      ce_correlationid: 'c-1',
    })
    expect(named).to.include({ 'content-type': 'application/json', ce_traceparent: '00-1-2-01', traceparent: '00-1-2-01' })
    expect(named.ce_time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  }).timeout(60_000)

  it("see how far a consumer is: Kafka's consumer groups tool", async () => {
    const { seen, follower } = remembering('watched')
    const following = bench.reader().follow(follower)
    await eventually(() => expect(seen).to.have.length(1))
    await eventually(
      async () => {
        const printed = await tool(
          'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
          '--describe',
          '--group',
          `${bench.options.prefix}watched`,
        )
        const row = printed.split('\n').find((line) => line.includes(` ${seen[0]!.partition} `))!
        expect(row.trim().split(/\s+/).slice(2, 6)).to.deep.equal([String(seen[0]!.partition), '1', '1', '0'])
      },
      { withinMs: 30_000 },
    )
    await following.stop()
  }).timeout(60_000)
})
