import { z } from 'zod'
import { email, userId } from './ids.ts'
import { command, emit, nothing, reject } from './kit/command.ts'
import { decider, type EventFrom, stream } from './kit/stream.ts'
import { users as topic } from './topics.ts'

/** A person with an account. Stream `user-<id>`. Password hashes and tokens are never in it (P9). */
export const userStream = stream<{ userId: number }>('user', { topic, id: (e) => e.userId, key: (e) => e.userId })

// Events ----------------------------------------------------------------

export const UserRegistered = userStream.event(
  'UserRegistered',
  1,
  z.object({ userId, email, name: z.string().nullable(), imageUrl: z.string().nullable() }),
)
export const GoogleAccountLinked = userStream.event(
  'GoogleAccountLinked',
  1,
  z.object({ userId, googleId: z.string(), name: z.string().optional(), imageUrl: z.string().optional() }),
)
export const ProfileUpdated = userStream.event(
  'ProfileUpdated',
  1,
  z.object({ userId, name: z.string().optional(), aiNotes: z.boolean().optional() }),
)
/** The token itself is derived: a JWT over these very fields, so it can be shown again without being stored. */
export const LongTermTokenIssued = userStream.event('LongTermTokenIssued', 1, z.object({ userId, email, issuedAt: z.number() }))
export const LongTermTokenRevoked = userStream.event('LongTermTokenRevoked', 1, z.object({ userId }))

export const userEvents = [
  UserRegistered,
  GoogleAccountLinked,
  ProfileUpdated,
  LongTermTokenIssued,
  LongTermTokenRevoked,
] as const
export type UserEvent = EventFrom<(typeof userEvents)[number]>

// State -----------------------------------------------------------------

/** What a long-term token is made from. `issuedAt` in seconds since the epoch, with a fraction. */
export interface TokenSeed {
  email: string
  issuedAt: number
}

export interface User {
  userId: number
  email: string
  name: string | null
  imageUrl: string | null
  googleId: string | null
  aiNotes: boolean
  token: TokenSeed | null
  /** Of the newest token there ever was, in seconds: the next one is later, so that a revoked token never comes back. */
  lastIssuedAt: number
  /** Milliseconds since the epoch. */
  createdAt: number
}

export const evolveUser = (user: User | undefined, event: UserEvent): User | undefined => {
  if (event.type === 'UserRegistered') {
    const { userId, email, name, imageUrl } = event.data
    return { userId, email, name, imageUrl, googleId: null, aiNotes: false, token: null, lastIssuedAt: 0, createdAt: event.time }
  }
  if (!user) return user
  switch (event.type) {
    case 'GoogleAccountLinked':
      return {
        ...user,
        googleId: event.data.googleId,
        name: user.name ?? event.data.name ?? null,
        imageUrl: event.data.imageUrl ?? user.imageUrl,
      }
    case 'ProfileUpdated':
      return { ...user, name: event.data.name ?? user.name, aiNotes: event.data.aiNotes ?? user.aiNotes }
    case 'LongTermTokenIssued':
      return { ...user, token: { email: event.data.email, issuedAt: event.data.issuedAt }, lastIssuedAt: event.data.issuedAt }
    case 'LongTermTokenRevoked':
      return { ...user, token: null }
    default:
      return user
  }
}

export const users = decider<User, UserEvent>(userStream, 1, evolveUser)

/** Owner of a claim or credential: the stream of a user. */
export const ownerOf = (id: number) => userStream.of(id)

// Decisions ---------------------------------------------------------------

/** Opens an account with a password. The e-mail is claimed, so of many at once exactly one wins. */
export const register = (cmd: { email: string; name: string | null; passwordHash: string }) =>
  command({
    name: 'register',
    reads: {},
    ids: ['user'],
    claimed: { code: 'CONFLICT', message: 'Email already exists' },
    decide: (_, { ids: { user: userId } }) =>
      emit(
        [UserRegistered({ userId, email: cmd.email, name: cmd.name, imageUrl: null })],
        { userId },
        {
          claims: [{ kind: 'email', value: cmd.email, owner: ownerOf(userId) }],
          credentials: [{ owner: ownerOf(userId), kind: 'password', value: cmd.passwordHash }],
        },
      ),
  })

/** Changes a profile; what is not given, or is as it was, stays. */
export const updateProfile = (cmd: { userId: number; name?: string; aiNotes?: boolean }) =>
  command({
    name: 'updateProfile',
    reads: { user: users.of(cmd.userId) },
    decide: ({ user }) => {
      if (!user) return reject('NOT_FOUND', 'User not found')
      const name = cmd.name === user.name ? undefined : cmd.name
      const aiNotes = cmd.aiNotes === user.aiNotes ? undefined : cmd.aiNotes
      if (name === undefined && aiNotes === undefined) return nothing(user)
      return emit([ProfileUpdated({ userId: user.userId, name, aiNotes })], {
        ...user,
        name: name ?? user.name,
        aiNotes: aiNotes ?? user.aiNotes,
      })
    },
  })

/** Issues the one long-term token that a user may have. */
export const issueToken = (cmd: { userId: number }) =>
  command({
    name: 'issueToken',
    reads: { user: users.of(cmd.userId) },
    decide: ({ user }, { now }) => {
      if (!user) return reject('NOT_FOUND', 'User not found')
      if (user.token)
        return reject(
          'BAD_REQUEST',
          'A long-term token already exists. Please revoke the existing token before generating a new one.',
        )
      const seed: TokenSeed = { email: user.email, issuedAt: Math.max(now, Math.round(user.lastIssuedAt * 1000) + 1) / 1000 }
      return emit([LongTermTokenIssued({ userId: user.userId, ...seed })], { userId: user.userId, ...seed })
    },
  })

/** Takes the long-term token back; it stays refused for ever. */
export const revokeToken = (cmd: { userId: number }) =>
  command({
    name: 'revokeToken',
    reads: { user: users.of(cmd.userId) },
    decide: ({ user }) => {
      if (!user) return reject('NOT_FOUND', 'User not found')
      if (!user.token) return reject('NOT_FOUND', 'No long-term token found')
      return emit([LongTermTokenRevoked({ userId: user.userId })], {})
    },
  })
