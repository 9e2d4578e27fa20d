import { expect } from 'chai'
import { A_TIME, noObject, noString, plain, problems, required, seen, system, wrong } from './kit.ts'

describe('/v2/users/me', () => {
  const api = system()
  const profile = (answer: { body: string }) => {
    const { created_at, ...rest } = JSON.parse(answer.body)
    expect(created_at).to.match(A_TIME)
    return rest
  }

  it('shows the whole profile, in the order of the contract', async () => {
    const { id, email, ask } = await api.someone()
    const answer = await ask('GET', '/v2/users/me')
    const { name, created_at } = answer.json()
    expect(seen(answer)).to.deep.equal([
      200,
      `{"id":${id},"email":"${email}","name":"${name}","profile_image_url":null,"ai_notes_enabled":false,"token_exists":false,"credits_balance":100,"long_term_token":null,"created_at":"${created_at}"}`,
    ])
    expect(created_at).to.match(A_TIME)
    expect(Math.abs(Date.parse(created_at.replace('+0000', 'Z')) - Date.now())).to.be.below(60_000)
  })

  it('changes what is given, tells the whole profile, and shows it to whoever reads right after', async () => {
    const { ask } = await api.someone()
    const before = await ask('GET', '/v2/users/me')
    const patched = await ask('PATCH', '/v2/users/me', { json: { name: '\u3000 Zoë\u0085', ai_notes_enabled: 'Yes' } })
    expect(seen(patched)).to.deep.equal([200, JSON.stringify({ ...before.json(), name: 'Zoë', ai_notes_enabled: true })])
    expect((await ask('GET', '/v2/users/me')).body).to.equal(patched.body)
    expect(profile(await ask('PATCH', '/v2/users/me', { json: { ai_notes_enabled: 0.0 } }))).to.include({
      name: 'Zoë',
      ai_notes_enabled: false,
    })
  })

  it('tells after a change that there is a long-term token, but never the token', async () => {
    const { ask } = await api.someone()
    await ask('POST', '/v2/auth/tokens')
    expect((await ask('PATCH', '/v2/users/me', { json: {} })).json()).to.include({ token_exists: true, long_term_token: null })
    expect((await ask('GET', '/v2/users/me')).json().long_term_token).to.be.a('string')
  })

  it('leaves what is not given, null, the same or unknown, and then nothing has happened', async () => {
    const { id, ask } = await api.someone()
    const before = await ask('GET', '/v2/users/me')
    const { name } = before.json()
    const others = { id: 1, email: 'other@example.com', token_exists: true, created_at: 'x' }
    for (const json of [{}, { name: null, ai_notes_enabled: null }, { name: ` ${name} `, ai_notes_enabled: 'off' }, others])
      expect(seen(await ask('PATCH', '/v2/users/me', { json }))).to.deep.equal([200, before.body])
    expect(await api.eventsOf(`user-${id}`)).to.deep.equal(['UserRegistered'])
  })

  it('takes names of 2 to 100 characters, counted after trimming', async () => {
    const { ask } = await api.someone()
    const named = (name: unknown) => ask('PATCH', '/v2/users/me', { json: { name } })
    for (const name of ['😀😀', 'é'.repeat(100), `${' '.repeat(200)}ab${' '.repeat(200)}`, '\ufeffa'])
      expect((await named(name)).status, name).to.equal(200)
    for (const name of ['', ' ', 'a', ' a ', '😀'])
      expect(problems(await named(name)), name).to.deep.equal([wrong('body.name', 'Name must be at least 2 characters long')])
    expect(problems(await named('é'.repeat(101)))).to.deep.equal([wrong('body.name', 'Name must be less than 100 characters')])
    expect(problems(await named('a\0b'))[0]).to.include('body.name')
  })

  it('says what is wrong with a change', async () => {
    const { ask } = await api.someone()
    const patch = (json: unknown) => ask('PATCH', '/v2/users/me', { json })
    expect(problems(await patch({ name: 5, ai_notes_enabled: 'maybe' }))).to.deep.equal([
      noString('body.name'),
      ['body.ai_notes_enabled', 'bool_parsing', 'Input should be a valid boolean, unable to interpret input'],
    ])
    for (const bad of [2, -1, '', ' true'])
      expect(problems(await patch({ ai_notes_enabled: bad }))[0]![1], String(bad)).to.equal('bool_parsing')
    for (const bad of [1.5, [], {}])
      expect(problems(await patch({ ai_notes_enabled: bad }))).to.deep.equal([
        ['body.ai_notes_enabled', 'bool_type', 'Input should be a valid boolean'],
      ])
    expect(problems(await patch([]))).to.deep.equal([noObject])
    expect(problems(await ask('PATCH', '/v2/users/me'))).to.deep.equal([required('body')])
  })

  it('reads the body before it asks who is there', async () => {
    const patch = (body: string | Uint8Array) => api.ask('PATCH', '/v2/users/me', { body })
    expect(seen(await patch(Buffer.from([0xff])))).to.deep.equal(plain(400, 'There was an error parsing the body'))
    expect(problems(await patch('{]'))).to.deep.equal([['body.1', 'json_invalid', 'JSON decode error']])
    expect((await patch('{"name":1}')).status).to.equal(401)
  })
})
