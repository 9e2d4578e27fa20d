import type { Foldable } from '#events/kit/envelope.ts'
import { noCaseFor } from '#events/kit/stream.ts'
import { type UserEvent, UserRegistered, userEvents } from '#events/user.ts'
import { isoTime } from './engine/iso-time.ts'
import { columnsOf, type Queryable, view } from './engine/view.ts'

/** A person with an account. */
export type UserRow = {
  user_id: number
  email: string
  name: string | null
  image_url: string | null
  ai_notes: boolean
  /** The data a long-term token is derived from, while there is a token; `token_issued_at` in seconds since the epoch. */
  token_email: string | null
  token_issued_at: number | null
  created_at: string
  /** Version of the stream. */
  version: number
}

export const usersView = view('users', {
  version: 2,
  from: userEvents,
  key: 'user_id',
  perStream: true,
  overwrites: [UserRegistered],
  columns: {
    user_id: 'bigint not null',
    email: 'text not null',
    name: 'text',
    image_url: 'text',
    ai_notes: 'boolean not null',
    token_email: 'text',
    token_issued_at: 'double precision',
    created_at: 'timestamptz not null',
    version: 'int not null',
  },
  id: (event) => event.data.userId,
  evolve: (user: UserRow | undefined, event: Foldable<UserEvent>) => {
    const { version } = event
    if (event.type === 'UserRegistered') {
      const { userId: user_id, email, name, imageUrl: image_url } = event.data
      const created_at = isoTime(event.time)
      return { user_id, email, name, image_url, ai_notes: false, token_email: null, token_issued_at: null, created_at, version }
    }
    if (!user) return undefined
    switch (event.type) {
      case 'GoogleAccountLinked':
        return { ...user, name: user.name ?? event.data.name ?? null, image_url: event.data.imageUrl ?? user.image_url, version }
      case 'ProfileUpdated':
        return {
          ...user,
          name: event.data.name ?? user.name,
          ai_notes: event.data.aiNotes ?? user.ai_notes,
          image_url: event.data.imageUrl ?? user.image_url,
          version,
        }
      case 'LongTermTokenIssued':
        return { ...user, token_email: event.data.email, token_issued_at: event.data.issuedAt, version }
      case 'LongTermTokenRevoked':
        return { ...user, token_email: null, token_issued_at: null, version }
      default:
        return noCaseFor(event)
    }
  },
})

/** One user. `created_at` as Postgres writes it (UTC). */
export async function userById(db: Queryable, id: number): Promise<UserRow | undefined> {
  const [user] = await db.query<UserRow>('users.byId', `select ${columnsOf(usersView)} from views.users where user_id = $1`, [id])
  return user
}
