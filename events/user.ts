import { z } from 'zod'
import { email, userId } from './ids.ts'
import { command, type Decision, emit, nothing, type Rejection, refuseUnless, reject } from './kit/command.ts'
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
  z.object({ userId, name: z.string().optional(), aiNotes: z.boolean().optional(), imageUrl: z.string().optional() }),
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
  /** When that was turned on last, in milliseconds since the epoch. */
  aiNotesSince?: number
  token: TokenSeed | null
  /** Of the newest token there ever was, in seconds: the next one is later, so that a revoked token never comes back. */
  lastIssuedAt: number
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Of the stream: rises with every change. */
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
      return user
  }
}

const seedOf = ({ email, issuedAt }: TokenSeed): TokenSeed => ({ email, issuedAt })

export const users = decider<User, UserEvent>(userStream, 3, evolveUser)

/** What a user's token is made from. */
export type Account = Pick<User, 'userId' | 'email' | 'name' | 'imageUrl'>

/** Owner of a claim or credential: the stream of a user. */
export const ownerOf = (id: number) => userStream.of(id)
/** The user whose stream it is. */
export const userIdOf = (owner: string) => Number(owner.slice(owner.indexOf('-') + 1))

// Decisions ---------------------------------------------------------------

/** How everybody's account begins here. */
interface AtSignUp {
  /** With notes by AI, unasked. */
  aiNotes?: boolean | undefined
}

/** What happens to a new account beside its registration. */
const begun = (userId: number, { aiNotes }: AtSignUp) => (aiNotes ? [ProfileUpdated({ userId, aiNotes })] : [])

/** Opens an account with a password. The e-mail is claimed, so of many at once exactly one wins. */
export const register = (cmd: { email: string; name: string | null; passwordHash: string } & AtSignUp) =>
  command({
    name: 'register',
    reads: {},
    ids: ['user'],
    claimed: { code: 'CONFLICT', message: 'Email already exists' },
    decide: (_, { ids: { user: userId } }) =>
      emit(
        [UserRegistered({ userId, email: cmd.email, name: cmd.name, imageUrl: null }), ...begun(userId, cmd)],
        { userId },
        {
          claims: [{ kind: 'email', value: cmd.email, owner: ownerOf(userId) }],
          credentials: [{ owner: ownerOf(userId), kind: 'password', value: cmd.passwordHash }],
        },
      ),
  })

/** What Google says of whoever signs in with it. */
export interface GooglePerson {
  googleId: string
  email: string
  name?: string | undefined
  imageUrl?: string | undefined
}

/** What was true when the account was looked up is so no more: another request was faster. */
const OUTRUN: Rejection = { code: 'CONFLICT', message: 'This Google account has just been linked, please try again' }

/** Opens an account without a password for somebody whom nobody here knows. A CONFLICT says that this is so no more. */
export const registerWithGoogle = (cmd: GooglePerson & AtSignUp) =>
  command({
    name: 'registerWithGoogle',
    reads: {},
    ids: ['user'],
    claimed: OUTRUN,
    decide: (_, { ids: { user: userId } }): Decision<Account> => {
      const { googleId, email, name = email.slice(0, email.lastIndexOf('@')), imageUrl = null } = cmd
      const account = { userId, email, name, imageUrl }
      const owner = ownerOf(userId)
      return emit([UserRegistered(account), GoogleAccountLinked({ userId, googleId }), ...begun(userId, cmd)], account, {
        claims: [
          { kind: 'email', value: email, owner },
          { kind: 'google', value: googleId, owner },
        ],
      })
    },
  })

/**
 * Lets somebody with a Google account into the account that it was found to have, by the Google id itself or by the e-mail.
 * Found by e-mail it is linked, in place of any other one. The picture is taken over, the name where there is none, the
 * e-mail never. A CONFLICT says that what was found is so no more.
 */
export const signInWithGoogle = (cmd: GooglePerson & { userId: number; foundBy: 'google' | 'email' }) =>
  command({
    name: 'signInWithGoogle',
    reads: { user: users.of(cmd.userId) },
    claimed: OUTRUN,
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
          claims: [...former, { kind: 'google', value: googleId, owner: ownerOf(userId) }],
        })
      }
      if (name === undefined && imageUrl === undefined) return nothing(account)
      return emit([ProfileUpdated({ userId, name, imageUrl })], account)
    },
  })

/** Changes a profile; what is not given, or is as it was, stays. `expected`: versions of which it must have one. */
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
