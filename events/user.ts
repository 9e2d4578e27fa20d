import { z } from 'zod'
import { email, userId } from './ids.ts'
import { command, type Decision, emit, nothing, type Rejection, refuseUnless, reject } from './kit/command.ts'
import { decider, type EventFrom, noCaseFor, stream } from './kit/stream.ts'
import { users as topic } from './topics.ts'

/** A person with an account. Stream `user-<id>`. It never contains password hashes or tokens (P9). */
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
  z.object({ userId, name: z.string().optional(), aiNotes: z.boolean().optional(), imageUrl: z.string().optional() }),
)
/** The token is a JWT derived from these fields: it can be shown again without being stored. */
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

/** Data from which a long-term token is derived. `issuedAt` in seconds since the epoch, with a fraction. */
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
  /** When notes by AI were last turned on, in milliseconds since the epoch. */
  aiNotesSince?: number
  token: TokenSeed | null
  /**
   * `issuedAt` of the newest token ever, in seconds. The next token gets a later one, so that a revoked
   * token never becomes valid again.
   */
  lastIssuedAt: number
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Version of the stream: rises with every change. */
  version: number
}

export const evolveUser = (user: User | undefined, event: UserEvent): User | undefined => {
  if (event.type === 'UserRegistered') {
    const { userId, email, name, imageUrl } = event.data
    const nothingYet = { googleId: null, aiNotes: false, token: null, lastIssuedAt: 0 }
    return { userId, email, name, imageUrl, ...nothingYet, createdAt: event.time, version: event.version }
  }
  if (!user) return user
  switch (event.type) {
    case 'GoogleAccountLinked':
      return {
        ...user,
        googleId: event.data.googleId,
        name: user.name ?? event.data.name ?? null,
        imageUrl: event.data.imageUrl ?? user.imageUrl,
        version: event.version,
      }
    case 'ProfileUpdated':
      return {
        ...user,
        name: event.data.name ?? user.name,
        aiNotes: event.data.aiNotes ?? user.aiNotes,
        ...(event.data.aiNotes && !user.aiNotes && { aiNotesSince: event.time }),
        imageUrl: event.data.imageUrl ?? user.imageUrl,
        version: event.version,
      }
    case 'LongTermTokenIssued':
      return { ...user, token: seedOf(event.data), lastIssuedAt: event.data.issuedAt, version: event.version }
    case 'LongTermTokenRevoked':
      return { ...user, token: null, version: event.version }
    default:
      return noCaseFor(event)
  }
}

const seedOf = ({ email, issuedAt }: TokenSeed): TokenSeed => ({ email, issuedAt })

export const users = decider<User, UserEvent>(userStream, 3, evolveUser, { ids: ['user'] })

/** Data of a user that the access token contains. */
export type Account = Pick<User, 'userId' | 'email' | 'name' | 'imageUrl'>

/** Owner of the user's reservations and credentials: the user's stream. */
export const ownerOf = (id: number) => userStream.of(id)
/** The user whose stream it is. */
export const userIdOf = (owner: string) => Number(owner.slice(owner.indexOf('-') + 1))

// Decisions ---------------------------------------------------------------

/** Settings that a new account starts with. */
interface AtSignUp {
  /** Turns notes by AI on from the start. */
  aiNotes?: boolean | undefined
}

/** Events that follow the registration of a new account. */
const begun = (userId: number, { aiNotes }: AtSignUp) => (aiNotes ? [ProfileUpdated({ userId, aiNotes })] : [])

/** Opens an account with a password. The e-mail is reserved, so exactly one of several concurrent registrations wins. */
export const register = (cmd: { email: string; name: string | null; passwordHash: string } & AtSignUp) =>
  command({
    name: 'register',
    reads: {},
    ids: ['user'],
    taken: { code: 'CONFLICT', message: 'Email already exists' },
    decide: (_, { ids: { user: userId } }) =>
      emit(
        [UserRegistered({ userId, email: cmd.email, name: cmd.name, imageUrl: null }), ...begun(userId, cmd)],
        { userId },
        {
          reservations: [{ kind: 'email', value: cmd.email, owner: ownerOf(userId) }],
          credentials: [{ owner: ownerOf(userId), kind: 'password', value: cmd.passwordHash }],
        },
      ),
  })

/** Google's data about a person who signs in. */
export interface GooglePerson {
  googleId: string
  email: string
  name?: string | undefined
  imageUrl?: string | undefined
}

/** Another request changed the account after it was looked up. */
const OUTRUN: Rejection = { code: 'CONFLICT', message: 'This Google account has just been linked, please try again' }

/** Opens an account without a password for a person without an account. CONFLICT means that an account exists by now. */
export const registerWithGoogle = (cmd: GooglePerson & AtSignUp) =>
  command({
    name: 'registerWithGoogle',
    reads: {},
    ids: ['user'],
    taken: OUTRUN,
    decide: (_, { ids: { user: userId } }): Decision<Account> => {
      const { googleId, email, name = email.slice(0, email.lastIndexOf('@')), imageUrl = null } = cmd
      const account = { userId, email, name, imageUrl }
      const owner = ownerOf(userId)
      return emit([UserRegistered(account), GoogleAccountLinked({ userId, googleId }), ...begun(userId, cmd)], account, {
        reservations: [
          { kind: 'email', value: email, owner },
          { kind: 'google', value: googleId, owner },
        ],
      })
    },
  })

/**
 * Signs a person into an existing account, found by the Google id or by the e-mail. An account found by e-mail is linked to this
 * Google account, in place of any former one. The picture is taken over, the name only if the account has none, the e-mail never.
 * CONFLICT means that the account changed after it was looked up.
 */
export const signInWithGoogle = (cmd: GooglePerson & { userId: number; foundBy: 'google' | 'email' }) =>
  command({
    name: 'signInWithGoogle',
    reads: { user: users.of(cmd.userId) },
    taken: OUTRUN,
    decide: ({ user }): Decision<Account> => {
      const { googleId } = cmd
      if (!user || (cmd.foundBy === 'google' && user.googleId !== googleId)) return { rejection: OUTRUN }
      const { userId, email } = user
      const name = user.name === null ? cmd.name : undefined
      const imageUrl = cmd.imageUrl === user.imageUrl ? undefined : cmd.imageUrl
      const account = { userId, email, name: name ?? user.name, imageUrl: imageUrl ?? user.imageUrl }
      if (user.googleId !== googleId) {
        const former = user.googleId === null ? [] : [{ kind: 'google', value: user.googleId, owner: null }]
        return emit([GoogleAccountLinked({ userId, googleId, name, imageUrl })], account, {
          reservations: [...former, { kind: 'google', value: googleId, owner: ownerOf(userId) }],
        })
      }
      if (name === undefined && imageUrl === undefined) return nothing(account)
      return emit([ProfileUpdated({ userId, name, imageUrl })], account)
    },
  })

/** Changes a profile. Fields that are absent or equal stay. `expected`: the profile must have one of these versions. */
export const updateProfile = (cmd: { userId: number; name?: string; aiNotes?: boolean; expected?: readonly number[] }) =>
  command({
    name: 'updateProfile',
    reads: { user: users.of(cmd.userId) },
    decide: ({ user }, { now }) => {
      if (!user) return reject('NOT_FOUND', 'User not found')
      const refused = refuseUnless(cmd.expected, user.version)
      if (refused) return refused
      const name = cmd.name === user.name ? undefined : cmd.name
      const aiNotes = cmd.aiNotes === user.aiNotes ? undefined : cmd.aiNotes
      if (name === undefined && aiNotes === undefined) return nothing(user)
      const event = ProfileUpdated({ userId: user.userId, name, aiNotes })
      return emit([event], evolveUser(user, { ...event, time: now, version: user.version + 1 } as UserEvent)!)
    },
  })

/** Issues the long-term token; a user has at most one. */
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

/** Revokes the long-term token; it is never accepted again. */
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
