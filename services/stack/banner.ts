import { pasteable, quoted, ROOT, secretSettings } from '#platform/config/pasteable.ts'
import type { Idle } from '../kit/left-out.ts'

export interface Facts {
  url: string
  /** Whether the API serves its description. */
  hasDocs: boolean
  /** The operators' page, if it is served, and whether its password was generated here. */
  ops?: { url: string; hasOwnPassword: boolean } | undefined
  /** Its URL without the password, and the place of the password; undefined when it comes from DB_URL. */
  postgres: { url: string; password: string | undefined }
  /** URL of S3 and SQS in the data folder, if they run there. */
  aws: string | undefined
  data: string
  logs: string
  /** Kafka's brokers, if the log is on Kafka. */
  brokers?: string | undefined
  /** The parts that do not run, and why. */
  idle: readonly Idle[]
  /** Environment of the running parts. */
  env: NodeJS.ProcessEnv
}

/** The text for newcomers once everything runs: addresses, and commands to paste (lines that begin with two blanks). */
export function banner({ url, hasDocs, ops, postgres, aws, data, logs, brokers, idle, env }: Facts): string {
  const command = (text: string) => pasteable(text, env)
  const rows: [string, string][] = [
    ['API', `${url}${hasDocs ? `  (described at ${url}/docs)` : ''}`],
    ...(ops
      ? [['Ops page', `${ops.url}${ops.hasOwnPassword ? '  (password: npx vidwiz ops password)' : ''}`] as [string, string]]
      : []),
    ['Postgres', `${postgres.url}${postgres.password ? `  (password: ${postgres.password})` : ''}`],
    ...(aws ? [['S3, SQS', `${aws}  (for other programs: npx vidwiz queues env)`] as [string, string]] : []),
    ...(brokers ? [['Kafka', brokers] as [string, string]] : []),
    ['Data', data],
    ['Logs', logs],
    ...idle.map(({ what, why }): [string, string] => ['Idle', `${what}: ${why}`]),
  ]
  const secret = secretSettings(env)
  return `
VidWiz is running.

${rows.map(([name, value]) => `  ${name.padEnd(10)} ${command(value)}`).join('\n')}

Register, log in and take a note:

  curl -s ${url}/v2/auth/register -H 'content-type: application/json' -d '{"email":"you@example.com","password":"correct horse","name":"You"}'
  TOKEN=$(curl -s ${url}/v2/auth/login -H 'content-type: application/json' -d '{"email":"you@example.com","password":"correct horse"}' | cut -d'"' -f4)
  curl -s ${url}/v2/videos/dQw4w9WgXcQ/notes -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"timestamp":"0:43","text":"a note"}'

Then, in another terminal${secret.length > 0 ? ` (with ${secret.join(' and ')} set as here)` : ''}:

  cd ${quoted(ROOT)}
${['npx vidwiz lag', 'npx vidwiz tail --from 0', 'npx vidwiz --help'].map((line) => `  ${command(line)}\n`).join('')}
Ctrl-C stops; all data stays.
`
}
