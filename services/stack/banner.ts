export interface Facts {
  url: string
  postgres: string
  data: string
  logs: string
}

/** What a newcomer sees once everything runs: where things are, and three lines to paste. */
export const banner = ({ url, postgres, data, logs }: Facts): string => `
VidWiz is running.

  API        ${url}
  Postgres   ${postgres}
  Data       ${data}
  Logs       ${logs}

Register, log in and take a note:

  curl -s ${url}/v2/auth/register -H 'content-type: application/json' -d '{"email":"you@example.com","password":"correct horse","name":"You"}'
  TOKEN=$(curl -s ${url}/v2/auth/login -H 'content-type: application/json' -d '{"email":"you@example.com","password":"correct horse"}' | cut -d'"' -f4)
  curl -s ${url}/v2/videos/dQw4w9WgXcQ/notes -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"timestamp":"0:43","text":"a note"}'

Then, in another terminal: npx vidwiz tail --from 0 · npx vidwiz lag · npx vidwiz --help
Ctrl-C stops; all data stays.
`
