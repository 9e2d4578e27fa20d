import { startModelServer } from './model-server.ts'
import { studying } from './study-model.ts'
import { LINE, SUMMARY } from './texts.ts'
import { type PageVideo, startYoutubePages } from './youtube-pages.ts'

// `make stand-ins`: a model and a YouTube on this machine, to see the whole system work without a key and without the internet.

const said = Array.from({ length: 120 }, (_, i) => [`sentence ${i + 1} of what is said in this video`, i * 5, 5] as const)
const video = (id: string): PageVideo => ({
  captions: [{ language: 'en', format: 'json3', said }],
  metadata: { title: `A video called ${id}`, duration: 600, channel: 'Stand-ins' },
})

const models = await startModelServer()
models.answer(studying(undefined, ({ body }) => [/summar/i.test(JSON.stringify(body)) ? SUMMARY : LINE]))
// Whatever is asked for is there.
const videos = new Proxy<Record<string, PageVideo>>({}, { get: (_, id) => video(String(id)) })
const pages = await startYoutubePages({ videos })

// Named, lest a key of another provider in the environment brings the real one into play.
const env = { ...pages.env, GEMINI_API_KEY: 'any', GEMINI_BASE_URL: models.url, STUDY_PROVIDER: 'gemini' }
console.log(`A model and a YouTube that stand in for the real ones run until Ctrl-C. In another terminal:

${Object.entries(env)
  .map(([name, value]) => `  export ${name}='${value}'`)
  .join('\n')}
  make start
`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0))
