import { expect } from 'chai'
import { pino } from 'pino'
import { scheduleTask, usualPolicy } from '#events/task.ts'
import { readSettings } from '#platform/config/settings.ts'
import { openLlm } from '#platform/llm/open.ts'
import { remoteKeys } from '#platform/oidc/keys.ts'
import { youtubeSearch } from '#platform/youtube/search.ts'
import { googleCredentials } from '#services/api/auth/google.ts'
import { admin } from '#services/api/auth/guards.ts'
import { routes } from '#services/api/routes/index.ts'
import { CLIENT_ID, startIssuer } from '#test/kit/issuer.ts'
import { startModelServer } from '#test/kit/model-server.ts'
import { KEY, startYouTube } from '#test/kit/youtube.ts'
import { send } from './chat.ts'
import { propertiesOf, rightValue } from './fuzz/wishes.ts'
import { ADMIN_TOKEN, type InProcess, startInProcess } from './in-process.ts'
import { type Ask, asking, newVideo, type Person, type RawAnswer, someone } from './kit.ts'

type AnyRoute = (typeof routes)[number]

/** A request that its route grants. Each one differs from all before, so far as its route lets it. */
export interface Wish {
  method: string
  path: string
  json?: unknown
  /** Asks as somebody who may. */
  ask: Ask
}

/** The API with all that its routes need, for all tests of the block that calls this. */
export interface Granting {
  api: InProcess
  bob: Person
  /** Makes a request from the route's declaration: a new route needs no line here while that says enough. */
  wishFor(route: AnyRoute): Promise<Wish>
}

export const nameOf = ({ method, path }: AnyRoute) => `${method} ${path}`

export function granting(): Granting {
  const self = {} as Granting
  const closing: (() => unknown)[] = []
  before('start the API, a model, a YouTube and an issuer', async function () {
    this.timeout(60_000)
    const issuer = await startIssuer()
    const model = await startModelServer()
    const youtube = await startYouTube()
    closing.push(
      () => issuer.close(),
      () => model.stop(),
      () => youtube.close(),
    )
    model.answer(() => ['Hello.'])
    const keys = remoteKeys({ url: issuer.url, log: pino({ level: 'silent' }) })
    const llm = await openLlm(readSettings({ GEMINI_API_KEY: 'a key that only tests use', GEMINI_BASE_URL: model.url }))
    const api = await startInProcess({
      readGoogleCredential: googleCredentials({ clientId: CLIENT_ID, keys }),
      search: youtubeSearch({ url: youtube.url, key: KEY }),
      wiz: { llm },
    })
    closing.unshift(() => api.stop())
    const bob = await someone(api.url)
    const found = (videoId: string, title: string) => {
      youtube.videos = [{ videoId, title }]
    }
    Object.assign(self, { api, bob, wishFor: wishes({ api, bob, found, credential: () => issuer.credential() }) })
  })
  after('stop them', async () => {
    for (const close of closing) await close()
  })
  return self
}

interface World {
  api: InProcess
  bob: Person
  /** YouTube finds this video alone. */
  found(videoId: string, title: string): void
  credential(): string
}

function wishes({ api, bob, found, credential }: World): Granting['wishFor'] {
  const worker = asking(api.url, { token: ADMIN_TOKEN })
  const asked = async (answer: Promise<RawAnswer>) => {
    const { status, body, json } = await answer
    expect(status, body).to.be.within(200, 202)
    return json()
  }
  const noteOn = (video: string) => asked(bob.ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01' } }))
  const talkOn = async (video_id: string): Promise<number> =>
    (await asked(bob.ask('POST', '/v2/conversations', { json: { video_id } }))).id
  const seenVideo = async (): Promise<string> => (await noteOn(newVideo())).video_id
  const scheduled = async () => {
    const videoId = await seenVideo()
    await api.execute(scheduleTask({ kind: 'metadata', videoId, policy: usualPolicy }), { actor: null, correlationId: null })
  }
  let made = 0

  const fromDeclaration = async ({ method, path, spec }: AnyRoute): Promise<Wish> => {
    const n = ++made
    const mustBeThere = method === 'GET' || spec.refuses?.[404] !== undefined
    const keys = { video: mustBeThere ? await seenVideo() : newVideo(), note: 0, conversation: 0, credential: credential() }
    if (path.includes(':note_id')) keys.note = (await noteOn(keys.video)).id
    if (path.includes(':conversation_id')) keys.conversation = await talkOn(keys.video)
    const rightFor = (name: string, schema: Parameters<typeof rightValue>[1]) => {
      const value = rightValue(name, schema, keys)
      return name === 'email' ? `${n}.${value}` : value === 'text' ? `text ${n}` : value
    }
    const params = propertiesOf(spec.params)
    const fields = Object.entries(propertiesOf(spec.body)).map(([name, schema]) => [name, rightFor(name, schema)])
    return {
      method,
      path: path.replace(/:(\w+)/g, (_, name: string) => String(rightFor(name, params[name] ?? {}))),
      ...(spec.body && { json: Object.fromEntries(fields) }),
      ask: spec.auth === admin ? worker : spec.auth ? bob.ask : asking(api.url),
    }
  }

  /** Where the declaration does not say enough. */
  const special: Record<string, (wish: Wish) => Promise<Partial<Wish>>> = {
    'POST /v2/auth/login': async () => ({ json: { email: bob.email, password: bob.password } }),
    // There is one token at most, and it may be there already.
    'POST /v2/auth/tokens': async () => {
      await bob.ask('DELETE', '/v2/auth/tokens')
      return {}
    },
    'POST /v2/notes/by-title': async ({ json }) => {
      found(newVideo(), (json as { video_title: string }).video_title)
      return {}
    },
    'POST /v2/conversations/:conversation_id/messages': async () => {
      const video = newVideo()
      const id = await talkOn(video)
      const transcript = [{ offset: 0, text: 'x' }]
      await asked(worker('POST', `/v2/internal/videos/${video}/transcript`, { json: { transcript } }))
      const listen: Ask = async (_, __, { json, headers } = {}) => {
        const { message } = json as { message: string }
        const heard = await send(api.url, id, message, { Authorization: `Bearer ${bob.token}`, ...headers })
        return heard.head.status === 200 ? { ...heard.head, body: (await heard.rest()).join('') } : heard.head
      }
      return { path: `/v2/conversations/${id}/messages`, ask: listen }
    },
    'GET /v2/internal/videos/:video_id/ai-notes': async () => {
      await asked(bob.ask('PATCH', '/v2/users/me', { json: { ai_notes_enabled: true } }))
      return {}
    },
    'GET /v2/internal/tasks': async () => {
      await scheduled()
      return { path: '/v2/internal/tasks?type=metadata&timeout=30' }
    },
    'POST /v2/internal/tasks/:task_id/result': async () => {
      await scheduled()
      const { task_id, task_details } = await asked(worker('GET', '/v2/internal/tasks?type=metadata&timeout=30'))
      return { path: `/v2/internal/tasks/${task_id}/result`, json: { ...task_details, success: true, metadata: { a: task_id } } }
    },
    'POST /v2/internal/media/:video_id': async ({ path }) => ({
      path: path.replace(/[^/]+$/, await seenVideo()),
      json: { status: 'processing', note: path },
    }),
  }

  return async (route) => {
    const wish = await fromDeclaration(route)
    // What is to be taken away must be there.
    if (route.method === 'DELETE' && routes.some((one) => one.method === 'POST' && one.path === route.path))
      await wish.ask('POST', wish.path)
    return { ...wish, ...(await special[nameOf(route)]?.(wish)) }
  }
}

/** Another request: with another body, else to another path, else to another route. */
export async function anotherThan(wish: Wish, route: AnyRoute, { wishFor, bob }: Granting): Promise<Wish> {
  const { path, json } = await wishFor(route)
  if (JSON.stringify(json) !== JSON.stringify(wish.json)) return { ...wish, json }
  if (path !== wish.path) return { ...wish, path }
  return { method: 'PATCH', path: '/v2/users/me', json: { name: 'Eve' }, ask: bob.ask }
}
