import { useEffect, useState } from 'preact/hooks'
import type { Look } from '../../operations/look.ts'
import { type ApiError, del, get } from './api.ts'
import { setServerTime, useNow } from './clock.ts'
import { duration } from './format.ts'
import { html } from './html.ts'
import { type Connection, live } from './live.ts'
import { Dialog } from './parts/dialog.ts'
import { Problem } from './parts/problem.ts'
import { usePlace } from './routing.ts'
import { remember } from './screens/first/history.ts'
import { screens } from './screens/index.ts'
import { begin, leave, useSession, type Who } from './session.ts'
import { SignIn } from './sign-in.ts'

/** The whole page: the sign-in form without a session, otherwise the verdict, the navigation and one screen. */
export function Page() {
  const { who, ended } = useSession()
  const [asked, setAsked] = useState<'asking' | 'answered' | ApiError>('asking')
  const ask = () => {
    setAsked('asking')
    get<Who>('/api/me').then(
      (who) => {
        begin(who)
        setAsked('answered')
      },
      (error: ApiError) => setAsked(error.status === 401 ? 'answered' : error),
    )
  }
  useEffect(ask, [])
  if (who)
    return html`<${Shell} who=${who} />
      ${ended && html`<${Dialog} title="Sign in again"><${SignIn} why="Your session is over. What you were looking at stays." /><//>`}`
  return html`<main class="door">
    <h1>VidWiz operations</h1>
    ${asked instanceof Error ? html`<${Problem} error=${asked} reload=${ask} />` : asked === 'answered' && html`<${SignIn} />`}
  </main>`
}

function Shell({ who }: { who: Who }) {
  const { times, ended } = useSession()
  const [look, setLook] = useState<Look>()
  const [connection, setConnection] = useState<Connection>({ state: 'connecting' })
  useEffect(() => {
    if (ended) return
    return live((look) => {
      setServerTime(look.at)
      remember(look)
      setLook(look)
    }, setConnection)
  }, [times, ended])
  const place = usePlace()
  const screen = screens.find(({ at }) => at === place.screen) ?? screens[0]!
  useEffect(() => {
    document.title = `${look ? `${look.isWell ? '✓' : '!'} ` : ''}${screen.name} · VidWiz operations`
  }, [screen, look?.isWell])
  const signOut = () => del('/api/session').finally(leave)

  return html`<a class="skip" href="#main" onClick=${skip}>Skip to what is on the screen</a>
    <header class="top">
      <${Verdict} look=${look} connection=${connection} />
      <nav aria-label="Screens">
        ${screens.map(
          ({ at, name }) => html`<a key=${at} href="#/${at}" aria-current=${at === screen.at ? 'page' : undefined}>${name}</a>`,
        )}
      </nav>
      <p class="who">
        <span title=${`signed in as ${who.name}`}>${who.name}${who.role !== who.name && ` · ${who.role}`}</span>
        <button type="button" class="quiet" onClick=${signOut}>Sign out</button>
      </p>
    </header>
    <main id="main" tabindex="-1"><${screen.Screen} key=${screen.at} look=${look} who=${who} rest=${place.rest} query=${place.query} /></main>`
}

/** One line that says whether anything needs a person. Screen readers announce only this when it changes. */
function Verdict({ look, connection }: { look: Look | undefined; connection: Connection }) {
  const tone = !look ? 'dim' : look.isWell ? 'ok' : 'bad'
  return html`<div class="verdict ${tone}">
    <p role="status" aria-live="polite" id="verdict">${look ? look.verdict : 'Looking …'}</p>
    <${Freshness} look=${look} connection=${connection} />
  </div>`
}

/** A look older than this is greyed out. */
const OLD_MS = 5_000

function Freshness({ look, connection }: { look: Look | undefined; connection: Connection }) {
  const now = useNow()
  const ageMs = look ? now - look.at : 0
  const isOld = ageMs > OLD_MS
  useEffect(() => {
    document.documentElement.classList.toggle('old', isOld)
  }, [isOld])
  if (connection.state === 'away')
    return html`<p class="fresh away">
      ${connection.why}, for ${duration(Math.max(0, Date.now() - connection.since) / 1_000)}; trying again${look && `; what you see is ${duration(ageMs / 1_000)} old`}
    </p>`
  if (isOld) return html`<p class="fresh away">what you see is ${duration(ageMs / 1_000)} old</p>`
  return html`<p class="fresh">${connection.state === 'live' ? 'live' : 'connecting …'}</p>`
}

/** An ordinary link would change the hash, which selects the screen. */
function skip(event: Event) {
  event.preventDefault()
  document.getElementById('main')?.focus()
}
