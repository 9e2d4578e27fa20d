import type { sections } from '../routes/index.ts'

/** In the order of the page. The type makes a missing section a compile error. */
export const ABOUT: Record<keyof typeof sections, string> = {
  Notes: 'Timestamped notes that people take on videos.',
  Videos: 'What is known of a video. It comes into being with the first note.',
  Conversations: 'Questions about a video, answered from its transcript; for guests as well.',
  Users: 'Who is signed in.',
  Auth: 'Accounts and tokens.',
  Payments: 'For clients that offer to buy something. Nothing here costs anything.',
  Internal: 'For workers: they find out about videos and say what they found.',
  Operations: 'For whoever watches over the service.',
}

export const INTRODUCTION = `Notes on YouTube videos: an event-sourced backend whose answers are read from views of its log.

**Who asks.** \`Authorization: Bearer <token>\` with the token of a login. The extension and phones use a long-term token.

**Errors** come as \`{"error": {"code", "message", "details"}}\`. A request that is not well-formed gets 422 with every problem in \`details\`.

**Writing safely.** Every write takes an \`Idempotency-Key\`: repeated with the same key it gives the same answer and does nothing twice.
\`If-Match\` with the \`ETag\` of what you have read refuses the write (412) when somebody has changed it since.

**Reading what was written.** The answer to a write waits until the views show it. Should that take too long it says \`VidWiz-Visible: false\`.
With the \`VidWiz-Position\` of that answer a read shows it too, whichever process is asked.

Times are \`YYYY-MM-DDTHH:MM:SS+0000\`; ids are positive whole numbers.`

/** Example values by field name, for every schema. */
export const EXAMPLES = {
  id: 42,
  note_id: 42,
  user_id: 7,
  video_id: 'dQw4w9WgXcQ',
  timestamp: '1:23',
  text: 'Here it begins',
  title: 'A video',
  video_title: 'A video',
  metadata: { duration: 212 },
  summary: 'What it is about',
  email: 'you@example.com',
  password: 'correct horse',
  name: 'You',
  profile_image_url: null,
  content: 'It begins at [1:23].',
  suggested_questions: ['What is it about?', 'When does it begin?', 'Who is in it?'],
  conversation_id: 3,
  token: 'eyJhbGciOiJIUzI1NiIs…',
  credits_balance: 100,
  products: [],
  long_term_token: null,
  created_at: '2026-11-20T17:13:05+0000',
  updated_at: '2026-11-20T17:13:05+0000',
}
