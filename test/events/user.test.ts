import { expect } from 'chai'
import { issueToken, ownerOf, register, revokeToken, updateProfile, users } from '#events/user.ts'
import { given } from '#test/kit/given.ts'
import {
  EMAIL,
  googleAccountLinked,
  longTermTokenIssued,
  longTermTokenRevoked,
  noteCreated,
  profileUpdated,
  userRegistered,
} from '#test/kit/histories.ts'
import { BEGINNING, world } from '#test/kit/world.ts'

/** The state that a history folds into. */
const folded = (...history: Parameters<typeof given>) => {
  const after = world()
  for (const event of history) after.append([event])
  return after.state(users.of(1))
}

const bob = {
  userId: 1,
  email: EMAIL,
  name: 'Bob',
  imageUrl: null,
  googleId: null,
  aiNotes: false,
  token: null,
  lastIssuedAt: 0,
  createdAt: BEGINNING,
}

describe('registering', () => {
  const asked = register({ email: EMAIL, name: 'Bob', passwordHash: '$argon2id$secret' })

  it('opens an account under the number drawn', () =>
    given()
      .when(asked, { user: 7 })
      .then(userRegistered({ userId: 7 }))
      .answering({ userId: 7 }))

  it('takes a name of null', () =>
    given()
      .when(register({ email: EMAIL, name: null, passwordHash: 'h' }))
      .then(userRegistered({ name: null })))

  it('claims the e-mail for the account', () =>
    expect(given().when(asked, { user: 7 }).decision).to.deep.include({
      claims: [{ kind: 'email', value: EMAIL, owner: 'user-7' }],
    }))

  it('keeps the password hash beside the log and never in it', () => {
    const { decision } = given().when(asked, { user: 7 })
    expect(decision).to.deep.include({ credentials: [{ owner: ownerOf(7), kind: 'password', value: '$argon2id$secret' }] })
    expect(JSON.stringify(decision.rejection ? [] : decision.events)).not.to.include('secret')
  })

  it('refuses an e-mail that another account holds', () => {
    const here = world()
    here.execute(asked)
    expect(here.execute(asked)).to.deep.equal({ rejection: { code: 'CONFLICT', message: 'Email already exists' } })
    expect(here.log).to.have.length(1)
  })
})

describe('updating a profile', () => {
  it('is refused to nobody', () =>
    given()
      .when(updateProfile({ userId: 1, name: 'Bo' }))
      .thenRejected('NOT_FOUND', 'User not found'))

  it('renames', () =>
    given(userRegistered())
      .when(updateProfile({ userId: 1, name: 'Robert' }))
      .then(profileUpdated({ name: 'Robert' }))
      .answering({ ...bob, name: 'Robert' }))

  it('turns AI notes on', () =>
    given(userRegistered())
      .when(updateProfile({ userId: 1, aiNotes: true }))
      .then(profileUpdated({ aiNotes: true }))
      .answering({ ...bob, aiNotes: true }))

  it('turns AI notes off again', () =>
    given(userRegistered(), profileUpdated({ aiNotes: true }))
      .when(updateProfile({ userId: 1, aiNotes: false }))
      .then(profileUpdated({ aiNotes: false }))
      .answering(bob))

  it('names a user who had no name', () =>
    given(userRegistered({ name: null }))
      .when(updateProfile({ userId: 1, name: 'Bob' }))
      .then(profileUpdated({ name: 'Bob' }))
      .answering(bob))

  it('records only what changes', () =>
    given(userRegistered())
      .when(updateProfile({ userId: 1, name: 'Bob', aiNotes: true }))
      .then(profileUpdated({ aiNotes: true })))

  it('does nothing when all is as it was', () =>
    given(userRegistered())
      .when(updateProfile({ userId: 1, name: 'Bob', aiNotes: false }))
      .thenNothing()
      .answering(bob))

  it('does nothing when nothing is asked', () =>
    given(userRegistered())
      .when(updateProfile({ userId: 1 }))
      .thenNothing()
      .answering(bob))
})

describe('the long-term token', () => {
  it('is refused to nobody', () =>
    given()
      .when(issueToken({ userId: 1 }))
      .thenRejected('NOT_FOUND', 'User not found'))

  it('is issued with the e-mail and the time it will be made from, in seconds', () =>
    given(userRegistered())
      .when(issueToken({ userId: 1 }))
      .then(longTermTokenIssued({ issuedAt: BEGINNING / 1000 + 1 }))
      .answering({ userId: 1, email: EMAIL, issuedAt: BEGINNING / 1000 + 1 }))

  it('is never the same again after it was revoked, even within the same moment', () => {
    const revoked = given(userRegistered(), longTermTokenIssued({ issuedAt: BEGINNING / 1000 + 100 }), longTermTokenRevoked())
    revoked.when(issueToken({ userId: 1 })).then(longTermTokenIssued({ issuedAt: BEGINNING / 1000 + 100.001 }))
  })

  it('is there once', () =>
    given(userRegistered(), longTermTokenIssued())
      .when(issueToken({ userId: 1 }))
      .thenRejected(
        'BAD_REQUEST',
        'A long-term token already exists. Please revoke the existing token before generating a new one.',
      ))

  it('is taken back', () =>
    given(userRegistered(), longTermTokenIssued())
      .when(revokeToken({ userId: 1 }))
      .then(longTermTokenRevoked())
      .answering({}))

  it('cannot be taken back where there is none', () =>
    given(userRegistered())
      .when(revokeToken({ userId: 1 }))
      .thenRejected('NOT_FOUND', 'No long-term token found'))

  it('cannot be taken back twice', () =>
    given(userRegistered(), longTermTokenIssued(), longTermTokenRevoked())
      .when(revokeToken({ userId: 1 }))
      .thenRejected('NOT_FOUND', 'No long-term token found'))

  it('cannot be taken back from nobody', () =>
    given()
      .when(revokeToken({ userId: 1 }))
      .thenRejected('NOT_FOUND', 'User not found'))

  it('is issued anew after it was taken back, and is another one', () =>
    given(userRegistered(), longTermTokenIssued({ issuedAt: BEGINNING / 1000 + 1 }), longTermTokenRevoked())
      .when(issueToken({ userId: 1 }))
      .then(longTermTokenIssued({ issuedAt: BEGINNING / 1000 + 3 })))
})

describe('a user', () => {
  it('begins with the registration', () => expect(folded(userRegistered())).to.deep.equal(bob))

  it('has the token last issued', () =>
    expect(folded(userRegistered(), longTermTokenIssued({ issuedAt: 12.5 }))?.token).to.deep.equal({
      email: EMAIL,
      issuedAt: 12.5,
    }))

  it('has no token once it was revoked', () =>
    expect(folded(userRegistered(), longTermTokenIssued(), longTermTokenRevoked())).to.deep.equal({
      ...bob,
      lastIssuedAt: BEGINNING / 1000 + 1,
    }))

  it('keeps the name when a Google account is linked', () =>
    expect(folded(userRegistered(), googleAccountLinked({ name: 'Robert' }))).to.deep.equal({ ...bob, googleId: 'g-1' }))

  it('takes the name from Google where there was none', () =>
    expect(folded(userRegistered({ name: null }), googleAccountLinked({ name: 'Robert' }))?.name).to.equal('Robert'))

  it('stays without a name when Google gives none', () =>
    expect(folded(userRegistered({ name: null }), googleAccountLinked())?.name).to.equal(null))

  it('takes the picture from Google whenever there is one', () => {
    const history = [
      userRegistered({ imageUrl: 'https://a/old' }),
      googleAccountLinked({ imageUrl: 'https://a/new' }),
      googleAccountLinked(),
    ]
    expect(folded(...history)?.imageUrl).to.equal('https://a/new')
  })

  it('has the Google account linked last', () =>
    expect(folded(userRegistered(), googleAccountLinked(), googleAccountLinked({ googleId: 'g-2' }))?.googleId).to.equal('g-2'))

  it('is nobody before the registration', () => expect(folded(profileUpdated({ name: 'Bob' }))).to.equal(undefined))

  it('ignores events it does not know', () => expect(users.evolve(bob, noteCreated() as never)).to.equal(bob))
})
