import { get, post } from '../../api.ts'
import { plural } from '../../format.ts'
import { html } from '../../html.ts'
import { Confirm } from '../../parts/confirm.ts'

/** Part of each preview: a token that allows the act, and the equivalent command. */
interface Preview {
  token: string
  /** How many things it would affect. */
  count: number
  command: string
}

const commandOf = (_: string, { command }: Preview) => command

/** Sends the messages of a dead-letter queue to their queue again. */
export function RedriveQueue({ queue, close }: { queue: string; close(): void }) {
  const path = `/api/queues/${encodeURIComponent(queue)}/redrive`
  type Seen = Preview & { from: string }
  const apply = async ({ token }: Seen, reason: string) => {
    const { summary, stopped } = await post<{ summary: string; stopped?: string }>(path, { token, reason, name: queue })
    return html`<p>${summary}</p>
      ${stopped && html`<p class="problem">${stopped}</p>`}`
  }
  return html`<${Confirm}
    title=${`Redrive what ${queue} gave up`}
    verb="Redrive"
    name=${queue}
    preview=${() => get<Seen>(path)}
    show=${({ count, from }: Seen) => html`<p>${plural(count, 'message')} of ${from} will be in ${queue} again.</p>`}
    command=${commandOf}
    apply=${apply}
    close=${close}
  />`
}

/** Asks models again for all given-up requests of a kind. */
export function RedriveRequests({ kind, close }: { kind: string; close(): void }) {
  const path = `/api/requests/${encodeURIComponent(kind)}/redrive`
  const apply = async ({ token }: Preview, reason: string) => {
    type Answer = { summary: string; requests: { request: string; isAsked: boolean; text: string }[] }
    const { summary, requests } = await post<Answer>(path, { token, reason, name: kind })
    return html`<p>${summary}</p>
      ${requests
        .filter(({ isAsked }) => !isAsked)
        .map(({ request, text }) => html`<p class="problem" key=${request}>${request}: ${text}</p>`)}`
  }
  return html`<${Confirm}
    title=${`Ask again for each ${kind} that was given up`}
    verb="Ask again"
    name=${kind}
    preview=${() => get<Preview>(path)}
    show=${({ count }: Preview) => html`<p>A model will be asked again for ${plural(count, 'request')}.</p>`}
    command=${commandOf}
    apply=${apply}
    close=${close}
  />`
}

/** Lets helpers ask YouTube again at once. */
export function ResumeHelpers({ close }: { close(): void }) {
  const apply = async (_: object, reason: string) =>
    html`<p>${(await post<{ summary: string }>('/api/helpers/resume', { reason })).summary}</p>`
  return html`<${Confirm}
    title="Let helpers ask YouTube again"
    verb="Resume"
    preview=${async () => ({})}
    show=${() => html`<p>Helpers ask YouTube at once. If it still refuses them, they pause for longer than before.</p>`}
    command=${() => 'npx vidwiz helpers resume'}
    apply=${apply}
    close=${close}
  />`
}

/** Takes a consumer away from a frozen process. */
export function Relieve({ consumer, close }: { consumer: string; close(): void }) {
  const path = `/api/consumers/${encodeURIComponent(consumer)}/relieve`
  type Seen = { token: string; lines: string[]; command: string }
  const apply = async ({ token }: Seen, reason: string) => {
    const { summary, isTakenOver } = await post<{ summary: string; isTakenOver: boolean }>(path, {
      token,
      reason,
      name: consumer,
    })
    return html`<p class=${isTakenOver ? '' : 'problem'}>${summary}</p>`
  }
  return html`<${Confirm}
    title=${`Relieve ${consumer} of its frozen process`}
    verb="Relieve"
    name=${consumer}
    preview=${() => get<Seen>(path)}
    show=${({ lines }: Seen) => lines.map((line) => html`<p key=${line}>${line}</p>`)}
    command=${(_: string, { command }: Seen) => command}
    apply=${apply}
    close=${close}
  />`
}
