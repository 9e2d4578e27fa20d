import { bees } from './lectures.ts'
import { startModelServer } from './model-server.ts'
import { say } from './speech.ts'
import { studying } from './study-model.ts'
import { LINE, PLANTS, SUMMARY } from './texts.ts'
import { tinyWhisper } from './whisper.ts'
import { type PageVideo, startYoutubePages } from './youtube-pages.ts'

// `make stand-ins`: a local model and a local YouTube, to see the whole system work without a key and without the internet.

/** A video with speech but without captions. */
const SPEAKS = 'speaks00001'

const lines = bees.said.match(/\S+(?:\s+\S+){0,7}/g)!
const said = lines.map((line, i) => [line.replace(/\s+/g, ' '), i * 10, 10] as const)
const video = (id: string): PageVideo => ({
  captions: [{ language: 'en', format: 'json3', said }],
  metadata: { title: `A video called ${id}`, duration: 600, channel: 'Stand-ins' },
})

/** Its audio, and a small Whisper to transcribe it; undefined on a machine that cannot make them, with the reason logged. */
async function speaking() {
  console.error('making a video that speaks; the first time installs a voice and a small Whisper …')
  try {
    return { file: await say(PLANTS, { format: 'webm' }), WHISPER_MODEL: await tinyWhisper() }
  } catch (error) {
    console.error(`there is no video that speaks: ${(error as Error).message}`)
    return undefined
  }
}

const speech = await speaking()
const models = await startModelServer()
models.answer(studying(undefined, ({ body }) => [/summar/i.test(JSON.stringify(body)) ? SUMMARY : LINE]))
// Every id has a video.
const videos = new Proxy<Record<string, PageVideo>>(
  {},
  {
    get: (_, id) =>
      id === SPEAKS && speech
        ? { sound: speech, metadata: { title: 'How plants live', duration: 30, channel: 'Stand-ins' } }
        : video(String(id)),
  },
)
const pages = await startYoutubePages({ videos })

// Set explicitly, because another provider's key in the environment would select the real provider.
const env = {
  ...pages.env,
  GEMINI_API_KEY: 'any',
  GEMINI_BASE_URL: models.url,
  STUDY_PROVIDER: 'gemini',
  ...(speech && { WHISPER_MODEL: speech.WHISPER_MODEL }),
}
console.log(`A model and a YouTube that stand in for the real ones run until Ctrl-C. In another terminal:

${Object.entries(env)
  .map(([name, value]) => `  export ${name}='${value}'`)
  .join('\n')}
  make start
${
  speech
    ? `
The video ${SPEAKS} speaks and has no captions. To have it heard:

  VIDWIZ_WITH=gpu-worker MEDIA_FALLBACK=1 make start
`
    : ''
}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0))
