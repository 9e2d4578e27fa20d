import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { html } from '../html.ts'
import { useLoaded } from '../loaded.ts'
import { Problem } from '../parts/problem.ts'
import { hrefTo } from '../routing.ts'
import type { ScreenProps } from './props.ts'
import { Browse } from './topics/browse.ts'
import { Schemas } from './topics/schemas.ts'

interface Topics {
  topics: { topic: string; partitions: number; head: number }[]
  types: { topic: string; type: string; version: number }[]
}

const FIELDS = ['stream', 'key', 'types', 'where', 'at', 'from'] as const

/** Events in the log, with filters; new events as they arrive; event schemas. The address holds the filter. */
export function TopicsScreen({ rest, query, who }: ScreenProps) {
  const { value, error, reload } = useLoaded((signal) => get<Topics>('/api/topics', signal), [])
  const given = Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? ''])) as Record<(typeof FIELDS)[number], string>
  const address = `${rest} ${query}`
  return html`<h1>Topics</h1>
    <${Problem} error=${error} reload=${reload} />
    ${
      rest === 'schemas'
        ? html`<p><a href=${hrefTo('topics')}>Events</a></p><${Schemas} />`
        : html`<p><a href=${hrefTo('topics', 'schemas')}>Schemas of all events</a></p>
            <${Wanted} key=${address} topic=${rest} given=${given} topics=${value?.topics ?? []} types=${value?.types ?? []} />
            <${Browse} key=${`of ${address}`} topic=${rest} given=${given} isOperator=${who.role === 'operator'} />`
    }`
}

interface WantedProps extends Topics {
  topic: string
  given: Record<(typeof FIELDS)[number], string>
}

/** Form for the filter. */
function Wanted({ topic, given, topics, types }: WantedProps) {
  const [chosen, setChosen] = useState(topic)
  const [fields, setFields] = useState(given)
  const set = (name: keyof typeof given) => (event: { target: EventTarget | null }) =>
    setFields({ ...fields, [name]: (event.target as HTMLInputElement).value })
  const onSubmit = (event: Event) => {
    event.preventDefault()
    const filled = Object.entries(fields).map(([name, text]) => [name, text.trim()])
    location.hash = hrefTo('topics', chosen, Object.fromEntries(filled.filter(([, text]) => text !== '')))
  }
  const input = (name: keyof typeof given, label: string, placeholder: string) =>
    html`<label>${label} <input name=${name} maxlength="200" autocomplete="off" spellcheck=${false} placeholder=${placeholder} value=${fields[name]} onInput=${set(name)} /></label>`
  return html`<form class="row" onSubmit=${onSubmit}>
    <label
      >Topic
      <select name="topic" value=${chosen} onChange=${(e: { target: EventTarget | null }) => setChosen((e.target as HTMLSelectElement).value)}>
        <option value="">all</option>
        ${topics.map((one) => html`<option value=${one.topic}>${one.topic}</option>`)}
      </select></label
    >
    <label
      >Type
      <select name="types" value=${fields.types} onChange=${set('types')}>
        <option value="">all</option>
        ${types.filter((one) => chosen === '' || one.topic === chosen).map(({ type }) => html`<option value=${type}>${type}</option>`)}
      </select></label
    >
    ${input('stream', 'Stream', 'note-42')} ${input('key', 'Key', 'a video or a user')}
    ${input('where', 'Field', 'videoId=dQw4w9WgXcQ')} ${input('at', 'At', '2026-11-28T05:00:00Z')} ${input('from', 'Position', 'the end')}
    <button class="main">Show</button>
  </form>`
}
