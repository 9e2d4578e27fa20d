import type { Idle } from '../kit/left-out.ts'

export interface Facts {
  url: string
  /** Whether the API describes itself. */
  hasDocs: boolean
  postgres: string
  /** Of S3 and SQS in the data folder, if they run there. */
  aws: string | undefined
  data: string
  logs: string
  /** Of Kafka, when the log is carried by it. */
  brokers?: string | undefined
  /** What does not run, and why. */
  idle: readonly Idle[]
}

/** What a newcomer sees once everything runs: where things are, and three lines to paste. */
export const banner = ({ url, hasDocs, postgres, aws, data, logs, brokers, idle }: Facts): string => `
VidWiz is running.

  API        ${url}${hasDocs ? `  (described at ${url}/docs)` : ''}
  Postgres   ${postgres}
${aws ? `  S3, SQS    ${aws}  (for other programs: npx vidwiz queues env)\n` : ''}${brokers ? `  Kafka      ${brokers}\n` : ''}  Data       ${data}
  Logs       ${logs}
${idle.map(({ what, why }) => `  Idle       ${what}: ${why}\n`).join('')}
Register, log in and take a note:

  curl -s ${url}/v2/auth/register -H 'content-type: application/json' -d '{"email":"you@example.com","password":"correct horse","name":"You"}'
  TOKEN=$(curl -s ${url}/v2/auth/login -H 'content-type: application/json' -d '{"email":"you@example.com","password":"correct horse"}' | cut -d'"' -f4)
  curl -s ${url}/v2/videos/dQw4w9WgXcQ/notes -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"timestamp":"0:43","text":"a note"}'

Then, in another terminal:${brokers ? ` export KAFKA_BROKERS=${brokers} ·` : ''} npx vidwiz tail --from 0 · npx vidwiz lag · npx vidwiz --help
Ctrl-C stops; all data stays.
`
