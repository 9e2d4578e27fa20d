import { usersView } from '#projections/users.ts'
import {
  EMAIL,
  googleAccountLinked,
  longTermTokenIssued,
  longTermTokenRevoked,
  profileUpdated,
  userRegistered,
} from '#test/kit/histories.ts'
import { having, moment } from './showing.ts'

describe('the users view', () => {
  it('shows who registered', () => {
    const shown = having(userRegistered()).view(usersView)
    shown.isWhole()
    shown.shows({
      user_id: 1,
      email: EMAIL,
      name: 'Bob',
      ai_notes: false,
      token_email: null,
      token_issued_at: null,
      created_at: moment(1),
      version: 1,
    })
  })

  it('shows a changed profile, and leaves what did not change', () =>
    having(userRegistered(), profileUpdated({ aiNotes: true }), profileUpdated({ name: 'Rob' }))
      .view(usersView)
      .shows({ name: 'Rob', ai_notes: true, version: 3 }))

  it('shows the newest picture', () =>
    having(userRegistered(), googleAccountLinked({ imageUrl: 'https://a/old' }), profileUpdated({ imageUrl: 'https://a/new' }))
      .view(usersView)
      .shows({ name: 'Bob', image_url: 'https://a/new' }))

  it('takes name and picture from Google, but not over a name that is there', () => {
    const linked = googleAccountLinked({ name: 'Robert', imageUrl: 'https://example.com/r.png' })
    having(userRegistered(), linked).view(usersView).shows({ name: 'Bob', image_url: 'https://example.com/r.png', version: 2 })
    having(userRegistered({ name: null }), linked)
      .view(usersView)
      .shows({ name: 'Robert' })
  })

  it('knows what the long-term token is made from, until it is revoked', () => {
    having(userRegistered(), longTermTokenIssued({ issuedAt: 1767225601.25 }))
      .view(usersView)
      .shows({ token_email: EMAIL, token_issued_at: 1767225601.25, version: 2 })
    having(userRegistered(), longTermTokenIssued(), longTermTokenRevoked())
      .view(usersView)
      .shows({ token_email: null, token_issued_at: null, version: 3 })
  })
})
