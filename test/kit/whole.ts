import type { Context } from 'mocha'
import { type ModelServer, startModelServer } from './model-server.ts'
import { ALL_PARTS, type Stack, type StackOptions, startStack } from './stack.ts'
import { LINE, SUMMARY } from './texts.ts'
import { type PageVideo, startYoutubePages, type YoutubePages } from './youtube-pages.ts'
import { testYtDlp } from './yt-dlp.ts'

/** The whole system, with local videos and models. */
export interface Whole {
  stack: Stack
  pages: YoutubePages
  models: ModelServer
  /** Adds a video with ten minutes of captions, and its page. */
  newVideo(but?: PageVideo): string
  stop(): Promise<void>
}

const said = Array.from({ length: 60 }, (_, i) => [`line ${i} of what is said`, i * 10, 10] as const)

/** Always answers at once, with text of valid length: one line for a note, more for a summary. */
export const obedient = ({ body }: { body: unknown }) => [/summar/i.test(JSON.stringify(body)) ? SUMMARY : LINE]

let videos = 0

export async function startWhole(test: Context, env: NodeJS.ProcessEnv = {}, options: StackOptions = {}): Promise<Whole> {
  const { path } = await testYtDlp(test)
  const [pages, models] = [await startYoutubePages(), await startModelServer()]
  models.answer(obedient)
  const close = async () => {
    await pages.close()
    await models.stop()
  }
  try {
    const stack = await startStack(
      {
        ...pages.env,
        YTDLP_PATH: path,
        LLM_PROVIDER: 'gemini',
        GEMINI_API_KEY: 'a key that only tests use',
        GEMINI_BASE_URL: models.url,
        HELPER_POLL_SECONDS: '5',
        ...env,
      },
      { parts: ALL_PARTS, ...options },
    )
    return {
      stack,
      pages,
      models,
      newVideo(but = {}) {
        const id = `whole${String(++videos).padStart(6, '0')}`
        const captions = [{ language: 'en', format: 'json3' as const, said }]
        pages.videos[id] = { captions, metadata: { title: `Video ${videos}`, duration: 600 }, ...but }
        return id
      },
      async stop() {
        await stack.stop()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
