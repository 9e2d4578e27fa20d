import { expect } from 'chai'
import {
  issueToken,
  ownerOf,
  register,
  registerWithGoogle,
  revokeToken,
  signInWithGoogle,
  updateProfile,
  users,
} from '#events/user.ts'
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
  version: 1,
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

  it('reserves the e-mail for the account', () =>
    expect(given().when(asked, { user: 7 }).decision).to.deep.include({
      reservations: [{ kind: 'email', value: EMAIL, owner: 'user-7' }],
    }))

  it('keeps the password hash beside the log and never in it', () => {
    const { decision } = given().when(asked, { user: 7 })
    expect(decision).to.deep.include({ credentials: [{ owner: ownerOf(7), kind: 'password', value: '$argon2id$secret' }] })
    expect(JSON.stringify(decision.rejection ? [] : decision.events)).not.to.include('secret')
  })

  it('turns AI notes on where everybody begins with them', () =>
    given()
      .when(register({ email: EMAIL, name: 'Bob', passwordHash: 'h', aiNotes: true }))
      .then(userRegistered(), profileUpdated({ aiNotes: true }))
      .answering({ userId: 1 }))

  it('refuses an e-mail that another account holds', () => {
    const here = world()
    here.execute(asked)
    expect(here.execute(asked)).to.deep.equal({ rejection: { code: 'CONFLICT', message: 'Email already exists' } })
    expect(here.log).to.have.length(1)
  })
})

describe('coming with a Google account for the first time', () => {
  const gee = { googleId: 'g-1', email: 'gee@example.com', name: 'Gee', imageUrl: 'https://a/gee' }

  it('opens an account that holds the e-mail and the Google id, and has no password', () => {
    const { userId, name, imageUrl, email } = { userId: 7, ...gee }
    const asked = given().when(registerWithGoogle(gee), { user: 7 })
    asked
      .then(userRegistered({ userId, email, name, imageUrl }), googleAccountLinked({ userId }))
      .answering({ userId, email, name, imageUrl })
    expect(asked.decision).to.deep.include({
      reservations: [
        { kind: 'email', value: email, owner: 'user-7' },
        { kind: 'google', value: 'g-1', owner: 'user-7' },
      ],
    })
    expect(asked.decision).not.to.have.property('credentials')
  })

  it('makes a name of the address where Google gives none', () =>
    given()
      .when(registerWithGoogle({ googleId: 'g-1', email: EMAIL }))
      .then(userRegistered({ name: 'bob' }), googleAccountLinked()))

  it('turns AI notes on where everybody begins with them', () =>
    given()
      .when(registerWithGoogle({ googleId: 'g-1', email: EMAIL, aiNotes: true }))
      .then(userRegistered({ name: 'bob' }), googleAccountLinked(), profileUpdated({ aiNotes: true })))

  it('is to be tried again when e-mail or Google id were taken meanwhile', () => {
    for (const other of [{ googleId: 'g-2' }, { email: 'other@example.com' }]) {
      const here = world()
      here.execute(registerWithGoogle(gee))
      expect(here.execute(registerWithGoogle({ ...gee, ...other }))).to.have.nested.property('rejection.code', 'CONFLICT')
      expect(here.log).to.have.length(2)
    }
  })
})

describe('coming with a Google account again', () => {
  const coming = (more: object = {}) => signInWithGoogle({ userId: 1, foundBy: 'google', googleId: 'g-1', email: EMAIL, ...more })
  const linking = (more: object = {}) => coming({ foundBy: 'email', ...more })
  const account = { userId: 1, email: EMAIL, name: 'Bob', imageUrl: null }

  it('links an account that was found by its e-mail, and reserves the Google id', () => {
    const asked = given(userRegistered()).when(linking({ name: 'Robert', imageUrl: 'https://a/new' }))
    asked.then(googleAccountLinked({ imageUrl: 'https://a/new' })).answering({ ...account, imageUrl: 'https://a/new' })
    expect(asked.decision).to.deep.include({ reservations: [{ kind: 'google', value: 'g-1', owner: 'user-1' }] })
  })

  it('links it in place of another Google account, which is then free', () => {
    const here = world()
    here.append([userRegistered()])
    here.execute(linking())
    here.execute(linking({ googleId: 'g-2' }))
    expect(here.state(users.of(1))?.googleId).to.equal('g-2')
    const stranger = registerWithGoogle({ googleId: 'g-1', email: 'other@example.com' })
    expect(here.execute(stranger, { user: 2 })).not.to.have.property('rejection')
    const other = registerWithGoogle({ googleId: 'g-2', email: 'third@example.com' })
    expect(here.execute(other, { user: 3 })).to.have.nested.property('rejection.code', 'CONFLICT')
  })

  it('gives a name only where there is none', () => {
    given(userRegistered({ name: null }))
      .when(linking({ name: 'Gee' }))
      .then(googleAccountLinked({ name: 'Gee' }))
      .answering({ ...account, name: 'Gee' })
    given(userRegistered({ name: null }), googleAccountLinked())
      .when(coming({ name: 'Gee' }))
      .then(profileUpdated({ name: 'Gee' }))
      .answering({ ...account, name: 'Gee' })
  })

  it('replaces the picture by one that is there and new', () => {
    const history = [userRegistered({ imageUrl: 'https://a/old' }), googleAccountLinked()]
    given(...history)
      .when(coming({ imageUrl: 'https://a/new', email: 'moved@example.com', name: 'Robert' }))
      .then(profileUpdated({ imageUrl: 'https://a/new' }))
      .answering({ ...account, imageUrl: 'https://a/new' })
    for (const imageUrl of [undefined, 'https://a/old'])
      given(...history)
        .when(coming({ imageUrl, name: 'Robert' }))
        .thenNothing()
        .answering({ ...account, imageUrl: 'https://a/old' })
  })

  it('does nothing when the account found by e-mail has been linked meanwhile', () =>
    given(userRegistered(), googleAccountLinked()).when(linking()).thenNothing().answering(account))

  it('is to be tried again when the account has another Google account by now', () =>
    given(userRegistered(), googleAccountLinked({ googleId: 'g-2' }))
      .when(coming())
      .thenRejected('CONFLICT'))
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
      .answering({ ...bob, name: 'Robert', version: 2 }))

  it('turns AI notes on', () =>
    given(userRegistered())
      .when(updateProfile({ userId: 1, aiNotes: true }))
      .then(profileUpdated({ aiNotes: true }))
      .answering({ ...bob, aiNotes: true, aiNotesSince: BEGINNING + 1000, version: 2 }))

  it('turns AI notes off again', () =>
    given(userRegistered(), profileUpdated({ aiNotes: true }))
      .when(updateProfile({ userId: 1, aiNotes: false }))
      .then(profileUpdated({ aiNotes: false }))
      .answering({ ...bob, aiNotesSince: BEGINNING + 1000, version: 3 }))

  it('names a user who had no name', () =>
    given(userRegistered({ name: null }))
      .when(updateProfile({ userId: 1, name: 'Bob' }))
      .then(profileUpdated({ name: 'Bob' }))
      .answering({ ...bob, version: 2 }))

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

describe('updating a profile that one has seen', () => {
  const renamed = given(userRegistered(), profileUpdated({ name: 'Bo' }))
  it('is refused when it has changed since', () => {
    for (const name of ['Rob', 'Bo'])
      renamed.when(updateProfile({ userId: 1, name, expected: [1] })).thenRejected('PRECONDITION_FAILED')
  })
  it('goes through when it has not', () =>
    renamed.when(updateProfile({ userId: 1, name: 'Rob', expected: [2] })).then(profileUpdated({ name: 'Rob' })))
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

  it('is issued again after it was taken back, and is another one', () =>
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
      version: 3,
    }))

  it('keeps the name when a Google account is linked', () =>
    expect(folded(userRegistered(), googleAccountLinked({ name: 'Robert' }))).to.deep.equal({
      ...bob,
      googleId: 'g-1',
      version: 2,
    }))

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

  it('rises with every event', () =>
    expect(folded(userRegistered(), longTermTokenIssued(), longTermTokenRevoked(), googleAccountLinked())?.version).to.equal(4))

  it('has the Google account linked last', () =>
    expect(folded(userRegistered(), googleAccountLinked(), googleAccountLinked({ googleId: 'g-2' }))?.googleId).to.equal('g-2'))

  it('is nobody before the registration', () => expect(folded(profileUpdated({ name: 'Bob' }))).to.equal(undefined))

  it('does not pass over events it has no case for', () =>
    expect(() => users.evolve(bob, noteCreated() as never)).to.throw(/no case for events of type/))
})
