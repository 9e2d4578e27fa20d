import { expect } from 'chai'
import { accessOf, COOKIE, cookieOf, sessionOf } from '#services/ops/access.ts'
import { ABSOLUTE_MS, IDLE_MS, type Keeper, type Kept, MOST_SESSIONS } from '#services/ops/sessions.ts'

const PASSWORD = 'a password for tests'
const settings = {
  OPS_PASSWORD: PASSWORD,
  OPS_TOKENS: [{ name: 'vera', role: 'viewer' as const, token: 'a-token-for-a-viewer' }],
}
const withCookie = (session: string) => ({ headers: { cookie: `a=b; ${COOKIE}=${session}` } })
const withToken = (authorization: string) => ({ headers: { authorization } })

/** Keeps sessions as the database does. */
function memory(): Keeper & { kept(): Kept[] } {
  const all = new Map<string, Kept>()
  return {
    keep: (one) => void all.set(one.digest, { ...one }),
    forget: (digests) => digests.forEach((digest) => void all.delete(digest)),
    kept: () => [...all.values()],
  }
}

describe('who may see the page for operators', () => {
  it('is nobody until a password or a token is set', () => {
    const closed = accessOf({ OPS_PASSWORD: undefined, OPS_TOKENS: [] })
    expect(closed.isOpen).to.equal(false)
    expect([closed.signIn(''), closed.signIn('undefined'), closed.whoSends(withToken('Bearer '))]).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('is who knows a secret, in the role that goes with it', () => {
    const access = accessOf(settings)
    expect(access.signIn(PASSWORD)!.who).to.include({ name: 'operator', role: 'operator' })
    expect(access.signIn('a-token-for-a-viewer')!.who).to.include({ name: 'vera', role: 'viewer' })
    expect(access.whoSends(withToken('Bearer a-token-for-a-viewer'))).to.include({ name: 'vera', role: 'viewer' })
    for (const wrong of ['', 'a', `${PASSWORD} `, PASSWORD.toUpperCase()]) expect(access.signIn(wrong), wrong).to.equal(undefined)
    for (const wrong of ['Bearer', 'Bearer ', 'Basic a-token-for-a-viewer', 'a-token-for-a-viewer', `Bearer x`])
      expect(access.whoSends(withToken(wrong)), wrong).to.equal(undefined)
  })

  it('has a session by an id that nobody can guess, until they sign out', () => {
    const access = accessOf(settings)
    const [one, other] = [access.signIn(PASSWORD)!, access.signIn(PASSWORD)!]
    expect(one.session).to.have.lengthOf(43).and.to.not.equal(other.session)
    expect(access.whoSends(withCookie(one.session))).to.deep.equal(one.who)
    for (const wrong of ['', 'x', one.session.slice(1), one.who.key])
      expect(access.whoSends(withCookie(wrong))).to.equal(undefined)
    const ended = access.ended(one.who)
    access.signOut(one.who)
    expect([ended.aborted, access.whoSends(withCookie(one.session)), access.mayStill(one.who)]).to.deep.equal([
      true,
      undefined,
      false,
    ])
    expect(access.whoSends(withCookie(other.session))).to.deep.equal(other.who)
  })

  it('loses a session that was not used for long, and any session in the end', () => {
    let now = 1_000_000
    const access = accessOf(settings, { now: () => now })
    const idle = access.signIn(PASSWORD)!
    now += IDLE_MS - 1
    expect(access.whoSends(withCookie(idle.session))).to.not.equal(undefined)
    now += IDLE_MS
    expect(access.whoSends(withCookie(idle.session))).to.equal(undefined)
    const busy = access.signIn(PASSWORD)!
    const begun = now
    for (; now < begun + ABSOLUTE_MS; now += IDLE_MS / 2) expect(access.mayStill(busy.who)).to.equal(true)
    expect(access.mayStill(busy.who)).to.equal(false)
  })

  it('has no more sessions than there are places: the one that was idle longest makes room', () => {
    let now = 1_000_000
    const access = accessOf(settings, { now: () => now++ })
    const begun = Array.from({ length: MOST_SESSIONS }, () => access.signIn(PASSWORD)!)
    access.mayStill(begun[0]!.who)
    access.signIn(PASSWORD)
    expect(access.sessions()).to.equal(MOST_SESSIONS)
    expect([access.mayStill(begun[0]!.who), access.mayStill(begun[1]!.who)]).to.deep.equal([true, false])
  })

  it('goes on with a session after the server was restarted, but not once its secret was changed', () => {
    const keeper = memory()
    const { session, who } = accessOf(settings, { keeper }).signIn(PASSWORD)!
    expect(JSON.stringify(keeper.kept())).to.not.include(session)
    expect(accessOf(settings, { kept: keeper.kept() }).whoSends(withCookie(session))).to.deep.equal(who)
    const changed = { ...settings, OPS_PASSWORD: 'another password' }
    expect(accessOf(changed, { kept: keeper.kept() }).whoSends(withCookie(session))).to.equal(undefined)
    accessOf(settings, { kept: keeper.kept(), keeper }).signOut(who)
    expect(keeper.kept()).to.deep.equal([])
  })

  it('keeps the session in a cookie that no script reads and no other site sends', () => {
    const cookie = cookieOf('x', { isSecure: true })
    expect(cookie.split('; ')).to.include.members([`${COOKIE}=x`, 'Path=/', 'HttpOnly', 'SameSite=Strict', 'Secure'])
    expect(cookieOf('x', { isSecure: false })).to.not.include('Secure')
    expect(cookieOf(undefined, { isSecure: true })).to.include('Max-Age=0')
    expect(sessionOf(`other=1; ${COOKIE}=abc`)).to.equal('abc')
    expect(sessionOf(`x${COOKIE}=abc`)).to.equal(undefined)
  })
})
