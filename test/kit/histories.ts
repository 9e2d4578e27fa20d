import fc from 'fast-check'
import type { z } from 'zod'
import type { Command } from '#events/kit/command.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import type { EventType } from '#events/kit/stream.ts'
import { createNote, deleteNote, editNote, NoteCreated, NoteDeleted, NoteEdited, noteEvents } from '#events/note.ts'
import {
  GoogleAccountLinked,
  issueToken,
  LongTermTokenIssued,
  LongTermTokenRevoked,
  ProfileUpdated,
  register,
  revokeToken,
  UserRegistered,
  updateProfile,
  userEvents,
} from '#events/user.ts'
import { MetadataStored, SummaryStored, TranscriptStored, VideoAdded, VideoTitled, videoEvents } from '#events/video.ts'

// Events by hand: each with usual values, of which a test names those that matter ------------

export const VIDEO = 'dQw4w9WgXcQ'
export const EMAIL = 'bob@example.com'

const usually =
  <T extends string, S extends z.ZodType<object>>(type: EventType<T, S>, usual: z.input<S>) =>
  (but: Partial<z.input<S>> = {}) =>
    type({ ...(usual as object), ...(but as object) } as z.input<S>)

export const userRegistered = usually(UserRegistered, { userId: 1, email: EMAIL, name: 'Bob', imageUrl: null })
export const googleAccountLinked = usually(GoogleAccountLinked, { userId: 1, googleId: 'g-1' })
export const profileUpdated = usually(ProfileUpdated, { userId: 1 })
export const longTermTokenIssued = usually(LongTermTokenIssued, { userId: 1, email: EMAIL, issuedAt: 1767225601 })
export const longTermTokenRevoked = usually(LongTermTokenRevoked, { userId: 1 })

export const videoAdded = usually(VideoAdded, { videoId: VIDEO, id: 1, title: null })
export const videoTitled = usually(VideoTitled, { videoId: VIDEO, title: 'Never Gonna Give You Up' })
export const metadataStored = usually(MetadataStored, { videoId: VIDEO, metadata: '{"duration":212}' })
export const transcriptStored = usually(TranscriptStored, {
  videoId: VIDEO,
  s3Key: `transcripts/${VIDEO}.json`,
  rows: 2,
  sizeBytes: 64,
  sha256: 'e3b0c442',
})
export const summaryStored = usually(SummaryStored, { videoId: VIDEO, summary: 'A promise.' })

export const noteCreated = usually(NoteCreated, { noteId: 1, videoId: VIDEO, userId: 1, timestamp: '1:23', text: 'mine' })
export const noteEdited = usually(NoteEdited, { noteId: 1, videoId: VIDEO, userId: 1 })
export const noteDeleted = usually(NoteDeleted, { noteId: 1, videoId: VIDEO, userId: 1 })

// Events at random ---------------------------------------------------------------------------

export const everyType = [...userEvents, ...videoEvents, ...noteEvents] as const
type EveryType = (typeof everyType)[number]
type Payloads = { [E in EveryType as E['type']]: fc.Arbitrary<z.input<E['data']>> }

/** Any text that a JavaScript string can hold: NUL, emoji, halves of emoji, words. */
export const anyText = fc.oneof(
  fc.constantFrom('', ' ', 'mine', '\u0000', '\ud83d', '😀é', '"quoted" \\ \u2028', '__proto__'),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
)
const anyId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const anyVideoId = fc.stringMatching(/^[A-Za-z0-9_-]{11}$/)
const anyCount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const anyEmail = fc.emailAddress().map((address) => address.toLowerCase())
// JSON knows no minus zero, and zod lets neither NaN nor the infinities in.
const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary)

const payloads: Payloads = {
  UserRegistered: fc.record({ userId: anyId, email: anyEmail, name: orNull(anyText), imageUrl: orNull(fc.webUrl()) }),
  GoogleAccountLinked: fc.record({ userId: anyId, googleId: anyText, name: maybe(anyText), imageUrl: maybe(fc.webUrl()) }),
  ProfileUpdated: fc.record({ userId: anyId, name: maybe(anyText), aiNotes: maybe(fc.boolean()) }),
  LongTermTokenIssued: fc.record({ userId: anyId, email: anyEmail, issuedAt: anyNumber }),
  LongTermTokenRevoked: fc.record({ userId: anyId }),
  VideoAdded: fc.record({ videoId: anyVideoId, id: anyId, title: orNull(anyText) }),
  VideoTitled: fc.record({ videoId: anyVideoId, title: anyText }),
  MetadataStored: fc.record({ videoId: anyVideoId, metadata: fc.json() }),
  TranscriptStored: fc.record({ videoId: anyVideoId, s3Key: anyText, rows: anyCount, sizeBytes: anyCount, sha256: anyText }),
  SummaryStored: fc.record({ videoId: anyVideoId, summary: anyText }),
  NoteCreated: fc.record({ noteId: anyId, videoId: anyVideoId, userId: anyId, timestamp: anyText, text: orNull(anyText) }),
  NoteEdited: fc.record({
    noteId: anyId,
    videoId: anyVideoId,
    userId: anyId,
    text: maybe(anyText),
    generatedByAi: maybe(fc.boolean()),
  }),
  NoteDeleted: fc.record({ noteId: anyId, videoId: anyVideoId, userId: anyId }),
}

/** Events of one type with any payload it allows. */
export const anyOf = (type: EveryType): fc.Arbitrary<NewEvent> =>
  (payloads[type.type] as fc.Arbitrary<never>).map((payload) => (type as EventType)(payload))

/** Any event there is. */
export const anyEvent: fc.Arbitrary<NewEvent> = fc.oneof(...everyType.map(anyOf))

// Commands at random: few users, videos and notes, so that they meet ---------------------------

const wishes = { register, updateProfile, issueToken, revokeToken, createNote, editNote, deleteNote }
type Wishes = typeof wishes

/** A command as data, so that a counterexample can be read. */
export type Wish = { [W in keyof Wishes]: { wish: W; for: Parameters<Wishes[W]>[0] } }[keyof Wishes]

/** The command that a wish asks for. */
export const commandOf = (wish: Wish): Command => (wishes[wish.wish] as (cmd: unknown) => Command)(wish.for)

const someUser = fc.integer({ min: 1, max: 3 })
const someNote = fc.integer({ min: 1, max: 6 })
const someVideo = fc.constantFrom(VIDEO, 'aaaaaaaaaaa', '-_-_-_-_-_-')
const someEmail = fc.constantFrom('ann@example.com', EMAIL, 'cy@example.com', 'di@example.com')
const someText = fc.constantFrom('', 'a', 'b')
const someTitle = fc.option(fc.constantFrom('', 'One', 'Two', 'No YouTube video title found.'), { nil: undefined })
const someHash = fc.stringMatching(/^[a-z0-9]{12}$/).map((salt) => `$argon2id$${salt}`)

const wish = <W extends keyof Wishes>(name: W, cmd: fc.Arbitrary<Parameters<Wishes[W]>[0]>) =>
  cmd.map((data) => ({ wish: name, for: data }) as Wish)

export const anyWish: fc.Arbitrary<Wish> = fc.oneof(
  { weight: 2, arbitrary: wish('register', fc.record({ email: someEmail, name: orNull(someText), passwordHash: someHash })) },
  {
    weight: 1,
    arbitrary: wish('updateProfile', fc.record({ userId: someUser, name: maybe(someText), aiNotes: maybe(fc.boolean()) })),
  },
  { weight: 1, arbitrary: wish('issueToken', fc.record({ userId: someUser })) },
  { weight: 1, arbitrary: wish('revokeToken', fc.record({ userId: someUser })) },
  {
    weight: 3,
    arbitrary: wish(
      'createNote',
      fc.record({
        userId: someUser,
        videoId: someVideo,
        timestamp: fc.constant('1:23'),
        text: orNull(someText),
        videoTitle: someTitle,
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: wish(
      'editNote',
      fc.record({ userId: someUser, noteId: someNote, text: maybe(someText), generatedByAi: maybe(fc.boolean()) }),
    ),
  },
  { weight: 1, arbitrary: wish('deleteNote', fc.record({ userId: someUser, noteId: someNote })) },
)

/** What people may do one after another. */
export const anyWishes = fc.array(anyWish, { maxLength: 60, size: 'max' })
