import fc from 'fast-check'
import {
  GoogleAccountLinked,
  issueToken,
  LongTermTokenIssued,
  LongTermTokenRevoked,
  ProfileUpdated,
  register,
  registerWithGoogle,
  revokeToken,
  signInWithGoogle,
  UserRegistered,
  updateProfile,
} from '#events/user.ts'
import { EMAIL, someText, someUser } from './few.ts'
import { maybe, orNull, usually, wished } from './usually.ts'

export const userRegistered = usually(UserRegistered, { userId: 1, email: EMAIL, name: 'Bob', imageUrl: null })
export const googleAccountLinked = usually(GoogleAccountLinked, { userId: 1, googleId: 'g-1' })
export const profileUpdated = usually(ProfileUpdated, { userId: 1 })
export const longTermTokenIssued = usually(LongTermTokenIssued, { userId: 1, email: EMAIL, issuedAt: 1767225601 })
export const longTermTokenRevoked = usually(LongTermTokenRevoked, { userId: 1 })

const someEmail = fc.constantFrom('ann@example.com', EMAIL, 'cy@example.com', 'di@example.com')
const someHash = fc.stringMatching(/^[a-z0-9]{12}$/).map((salt) => `$argon2id$${salt}`)
const somebodyOfGoogle = {
  googleId: fc.constantFrom('g-1', 'g-2', 'g-3'),
  email: someEmail,
  name: maybe(someText),
  imageUrl: maybe(fc.constantFrom('https://a/old', 'https://a/new')),
}

/** Random commands. */
export const userWishes = {
  register: wished(2, register, fc.record({ email: someEmail, name: orNull(someText), passwordHash: someHash })),
  registerWithGoogle: wished(1, registerWithGoogle, fc.record(somebodyOfGoogle)),
  signInWithGoogle: wished(
    2,
    signInWithGoogle,
    fc.record({ ...somebodyOfGoogle, userId: someUser, foundBy: fc.constantFrom('google' as const, 'email' as const) }),
  ),
  updateProfile: wished(1, updateProfile, fc.record({ userId: someUser, name: maybe(someText), aiNotes: maybe(fc.boolean()) })),
  issueToken: wished(1, issueToken, fc.record({ userId: someUser })),
  revokeToken: wished(1, revokeToken, fc.record({ userId: someUser })),
}
