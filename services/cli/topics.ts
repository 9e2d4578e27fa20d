import { Command } from 'commander'
import { topics } from '#events/topics.ts'
import { readSettings } from '#platform/config/settings.ts'
import { kafkaOptions } from '#platform/log/kafka/options.ts'
import { type TopicState, type TopicTools, withTopics } from '#platform/log/kafka/topics.ts'
import { OperatorError } from '#platform/service.ts'
import { table } from './table.ts'

/** `topics`: compares Kafka's topics with their declaration, and creates them. */
export const topicsCommand = (): Command => {
  const command = new Command('topics').description(
    "Kafka's topics: what they are, and whether that is what events/topics.ts says",
  )
  command
    .command('list')
    .description('one line per topic')
    .action(() => onKafka(async (states) => console.log(list(await states()))))
  command
    .command('describe [topic]')
    .description('a topic with its settings, for example notes; all of them if none is named')
    .action((name?: string) =>
      onKafka(async (states) => {
        const chosen = (await states()).filter(({ topic }) => !name || [topic, topic.replace('vidwiz.', '')].includes(name))
        if (chosen.length === 0) throw new OperatorError(`no topic is called ${name}: ${topics.map((t) => t.name).join(', ')}`)
        console.log(chosen.map(description).join('\n\n'))
      }),
    )
  command
    .command('create')
    .description('make the topics that do not exist')
    .action(() =>
      onKafka(async (_, tools, replication) => {
        const created = await tools.create(topics, { replication })
        console.log(created.length > 0 ? created.map((name) => `created ${name}`).join('\n') : 'all topics exist')
      }),
    )
  command
    .command('check')
    .description('exit code 1 and what differs, if a topic is not as it must be')
    .action(() =>
      onKafka(async (states) => {
        const drift = (await states()).flatMap((state) => state.drift)
        if (drift.length > 0) throw new OperatorError(drift.join('\n'))
        console.log(`${topics.length} topics are as they must be`)
      }),
    )
  return command
}

function onKafka(
  work: (states: () => Promise<TopicState[]>, tools: TopicTools, replication: number | undefined) => Promise<void>,
): Promise<void> {
  const settings = readSettings()
  const kafka = kafkaOptions(settings)
  if (!kafka) throw new OperatorError('KAFKA_BROKERS is not set')
  const replication = settings.KAFKA_REPLICATION
  return withTopics(kafka, (tools) => work(() => tools.describe(topics, { replication }), tools, replication))
}

const state = ({ exists, drift }: TopicState) => (!exists ? 'missing' : drift.length === 0 ? 'ok' : `differs (${drift.length})`)

const list = (states: TopicState[]) =>
  table(
    ['TOPIC', 'IN KAFKA', 'PARTITIONS', 'REPLICAS', 'STATE'],
    states.map((s) => [s.topic, s.exists ? s.name : '-', s.partitions ?? '-', s.replication ?? '-', state(s)]),
    2,
  )

const description = ({ name, partitions, replication, config, drift }: TopicState) =>
  [
    name,
    ...(partitions ? [`  partitions ${partitions}, replicas ${replication}`] : []),
    ...Object.entries(config).map(([key, value]) => `  ${key}=${value}`),
    ...drift.map((sentence) => `  ! ${sentence}`),
  ].join('\n')
