import type { TypeSchemas } from '../../../../operations/topics/schemas.ts'
import { get } from '../../api.ts'
import { html } from '../../html.ts'
import { useLoaded } from '../../loaded.ts'
import { Command } from '../../parts/command.ts'
import { Problem } from '../../parts/problem.ts'
import { type Column, Table } from '../../parts/table.ts'

const columns: readonly Column<TypeSchemas>[] = [
  { head: 'Type', cell: ({ type }) => html`<strong>${type}</strong>` },
  { head: 'Topic', cell: ({ topic }) => topic },
  { head: 'Versions', isNumber: true, cell: ({ versions }) => versions.length },
  {
    head: 'Changed last',
    class: 'wide wrap',
    cell: ({ versions }) => versions.at(-1)!.changes.join('; ') || html`<span class="muted">never</span>`,
  },
]

/** Event schemas, in all versions that the log may contain. */
export function Schemas() {
  const { value, error, reload } = useLoaded((signal) => get<{ types: TypeSchemas[] }>('/api/topics/schemas', signal), [])
  return html`<${Problem} error=${error} reload=${reload} />
    ${
      value &&
      html`<${Table}
          caption="Types of event"
          columns=${columns}
          rows=${value.types}
          keyOf=${({ type }: TypeSchemas) => type}
          detailsName=${({ type }: TypeSchemas) => `Schemas of ${type}`}
          details=${({ versions }: TypeSchemas) =>
            versions.map(
              ({ version, schema, changes }) =>
                html`<h3>Version ${version}</h3>
                  ${changes.length > 0 && html`<ul>${changes.map((change) => html`<li>${change}</li>`)}</ul>`}
                  <pre>${JSON.stringify(schema, null, 2)}</pre>`,
            )}
        />
        <p class="muted">On the command line: <${Command} line="npx vidwiz schemas list" /></p>`
    }`
}
