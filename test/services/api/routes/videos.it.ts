import { expect } from 'chai'
import { A_TIME, newVideo, type Person, problems, refusal, seen, system, wrong } from './kit.ts'

describe('the routes of videos', () => {
  const api = system()
  const noteOn = async ({ ask }: Person, video: string, video_title?: string) => {
    const answer = await ask('POST', `/v2/videos/${video}/notes`, { json: { timestamp: '0:01', video_title } })
    expect(answer.status, answer.body).to.equal(201)
  }

  describe('GET /v2/videos/{id}', () => {
    it('shows any video that somebody took a note on, in the order of the contract', async () => {
      const [bob, alice, video] = [await api.someone(), await api.someone(), newVideo()]
      await noteOn(bob, video, 'Ti"tle é😀')
      const answer = await alice.ask('GET', `/v2/videos/%20${video}`)
      const { id, created_at } = answer.json()
      expect(seen(answer)).to.deep.equal([
        200,
        `{"id":${id},"video_id":"${video}","title":"Ti\\"tle é😀","metadata":null,"transcript_available":false,"summary":null,"suggested_questions":null,"created_at":"${created_at}","updated_at":"${created_at}"}`,
      ])
      expect(id).to.be.a('number')
      expect(created_at).to.match(A_TIME)
      await noteOn(alice, video, 'another title')
      expect((await alice.ask('GET', `/v2/videos/${video}`)).body, 'a note more changes nothing').to.equal(answer.body)
    })

    it('says who asks, what is asked for and whether it is there, in this order', async () => {
      const bob = await api.someone()
      expect((await api.ask('GET', '/v2/videos/x')).status).to.equal(401)
      expect(problems(await bob.ask('GET', '/v2/videos/x'))).to.deep.equal([
        wrong('path.video_id', 'video_id must be a valid YouTube video ID'),
      ])
      expect(seen(await bob.ask('GET', `/v2/videos/${newVideo()}`))).to.deep.equal(refusal(404, 'Video not found'))
    })
  })

  describe('GET /v2/videos', () => {
    let bob: Person
    /** In the order of their coming into being. */
    const mine: string[] = []
    const titles = ['banana', undefined, 'Apple 100%', 'apple_100', '', 'B\\C', 'banana', undefined, 'ÄPFEL', 'banana']

    before(async () => {
      const alice = await api.someone()
      bob = await api.someone()
      for (const title of titles) {
        const video = newVideo()
        // It is the video's age that counts, not that of one's own note.
        await noteOn(alice, video, title)
        mine.push(video)
      }
      for (const video of mine.toReversed()) await noteOn(bob, video)
      await noteOn(bob, mine[3]!)
      await noteOn(alice, newVideo(), 'banana of another')
    })

    const list = async (query = '') => {
      const answer = await bob.ask('GET', `/v2/videos${query}`)
      expect(answer.status, answer.body).to.equal(200)
      return answer.json()
    }
    /** Which of the videos a query finds, by their places in `titles`. */
    const found = async (query: string) =>
      (await list(query)).videos.map(({ video_id }: { video_id: string }) => mine.indexOf(video_id))
    const search = (q: string) => found(`?sort=created_at_asc&q=${encodeURIComponent(q)}`)

    it('lists the videos on which one has notes, each once, newest first', async () => {
      const answer = await bob.ask('GET', '/v2/videos')
      const item = (n: number) => ({ video_id: mine[n], title: titles[n] ?? null, metadata: null })
      const videos = mine.map((_, n) => item(n)).reverse()
      expect(seen(answer)).to.deep.equal([200, JSON.stringify({ videos, total: 10, page: 1, per_page: 10, total_pages: 1 })])
      expect(await found('?sort=created_at_asc')).to.deep.equal(mine.map((_, n) => n))
    })

    it('is empty for who has none', async () => {
      const carol = await api.someone()
      expect(seen(await carol.ask('GET', '/v2/videos?q=banana'))).to.deep.equal([
        200,
        '{"videos":[],"total":0,"page":1,"per_page":10,"total_pages":0}',
      ])
    })

    it('sorts by title whatever the case, with those without one last, or first the other way round', async () => {
      const ascending = [4, 2, 3, 5, 0, 6, 9, 8, 1, 7]
      expect(await found('?sort=title_asc')).to.deep.equal(ascending)
      expect(await found('?sort=title_desc')).to.deep.equal(ascending.toReversed())
    })

    it('cuts every order into pages on which each video stands once', async () => {
      for (const sort of ['created_at_desc', 'created_at_asc', 'title_asc', 'title_desc'])
        for (const per_page of [1, 3, 7]) {
          const pages = Math.ceil(10 / per_page)
          const all: number[] = []
          for (let page = 1; page <= pages; page++) {
            const query = `?sort=${sort}&per_page=${per_page}&page=${page}`
            const { videos, ...rest } = await list(query)
            expect(rest, query).to.deep.equal({ total: 10, page, per_page, total_pages: pages })
            all.push(...videos.map(({ video_id }: { video_id: string }) => mine.indexOf(video_id)))
          }
          expect(all, `${sort} by ${per_page}`).to.deep.equal(await found(`?sort=${sort}`))
        }
    })

    it('has nothing past the last page, however far', async () => {
      expect(await list('?page=2')).to.deep.equal({ videos: [], total: 10, page: 2, per_page: 10, total_pages: 1 })
      for (const page of ['9007199254740991', '9'.repeat(40)]) {
        const { videos, total, total_pages } = await list(`?per_page=50&page=${page}`)
        expect([videos, total, total_pages]).to.deep.equal([[], 10, 1])
      }
    })

    it('finds a part of a title, whatever its case and to the letter', async () => {
      expect(await search('BANANA')).to.deep.equal([0, 6, 9])
      expect(await search('äpfel')).to.deep.equal([8])
      expect(await search('nothing')).to.deep.equal([])
      expect(await search('100%')).to.deep.equal([2])
      expect(await search('e_1')).to.deep.equal([3])
      expect(await search('e 1')).to.deep.equal([2])
      expect(await search('b\\c')).to.deep.equal([5])
      for (const wild of ['%%', '__', '\\\\', 'a%e', 'ap_le', "' or 1=1 --"]) expect(await search(wild), wild).to.deep.equal([])
      expect(await list('?q=banana&per_page=2')).to.include({ total: 3, total_pages: 2 })
    })

    it('finds a title by each beginning of its words, whatever the normal form and the case', async () => {
      const carol = await api.someone()
      const words = ['İSTANBUL', 'Straße', 'ὈΔΥΣΣΕΎΣ', 'मराठी', '한국어', 'مُحَمَّدٌ', 'ＦＵＬＬ', 'oﬃce']
      const video = newVideo()
      await noteOn(carol, video, words.join(' ').normalize('NFD'))
      await noteOn(carol, newVideo(), 'something else')
      const typed = [...words, 'istanbul', 'ISTANBUL', 'strasse', 'οδυσσευς', 'full', 'OFFICE', 'محمد']
      for (const query of typed.flatMap((word) => [word.normalize('NFC'), word.normalize('NFD').toLowerCase()])) {
        const [chars, found] = [[...query], [] as string[]]
        for (let n = 1; n <= chars.length; n++) {
          const q = encodeURIComponent(chars.slice(0, n).join(''))
          const { videos } = (await carol.ask('GET', `/v2/videos?q=${q}`)).json()
          found.push(...videos.map(({ video_id }: { video_id: string }) => video_id).filter((id: string) => id === video))
          if (n === chars.length) expect(videos, query).to.have.length(1)
        }
        expect(found, query).to.have.length(chars.length)
      }
    })

    it('searches for what is left after trimming, if that is two characters or more', async () => {
      for (const none of ['', ' ', 'b', 'e\u0301', '\u200b\u200b', ' b\u3000', '😀', '%', '_', '\\'])
        expect(await search(none), none).to.have.length(10)
      expect(await search(' banana\n')).to.deep.equal([0, 6, 9])
      expect(await search('😀😀')).to.deep.equal([])
    })

    it('takes the last of repeated values, other spellings of numbers, and ignores what it does not know', async () => {
      expect(await list('?page=5&page=1&q=zz&q=&x=1&__proto__=1&constructor=2')).to.include({ page: 1, total: 10 })
      expect(await list('?page=%2B01&per_page=%205.0')).to.include({ page: 1, per_page: 5 })
      expect(await list('?per_page=1_0')).to.include({ per_page: 10 })
    })

    it('says what is wrong with a query', async () => {
      const ask = async (query: string) => problems(await bob.ask('GET', `/v2/videos${query}`))
      const noInteger = (field: string) => [
        field,
        'int_parsing',
        'Input should be a valid integer, unable to parse string as an integer',
      ]
      expect(await ask('?page=0&per_page=51')).to.deep.equal([
        ['query.page', 'greater_than_equal', 'Input should be greater than or equal to 1'],
        ['query.per_page', 'less_than_equal', 'Input should be less than or equal to 50'],
      ])
      expect(await ask('?per_page=0')).to.deep.equal([
        ['query.per_page', 'greater_than_equal', 'Input should be greater than or equal to 1'],
      ])
      for (const bad of ['', 'x', '1.5', '1e1', '1__0'])
        expect(await ask(`?page=${bad}`), bad).to.deep.equal([noInteger('query.page')])
    })

    it('refuses an order that it does not know, even before it asks who is there, unless the query is malformed', async () => {
      for (const sort of ['', 'title', 'TITLE_ASC', 'title_asc%20', '__proto__', 'toString'])
        for (const ask of [api.ask, bob.ask])
          expect(seen(await ask('GET', `/v2/videos?sort=${sort}`)), sort).to.deep.equal(refusal(400, 'Invalid sort parameter'))
      expect((await api.ask('GET', '/v2/videos?sort=x&page=0')).status).to.equal(401)
      expect((await api.ask('GET', '/v2/videos?page=0')).status).to.equal(401)
      expect(problems(await bob.ask('GET', '/v2/videos?sort=x&page=0')).map(([field]) => field)).to.deep.equal(['query.page'])
    })

    it('is not troubled by what cannot be in a title', async () => {
      expect(problems(await bob.ask('GET', '/v2/videos?q=a%00b'))[0]).to.include('query.q')
      expect(await search('\ufffd\ufffd')).to.deep.equal([])
      expect(await found('?q=%FF%FE&sort=created_at_asc')).to.deep.equal([])
      expect(await found(`?q=${'x'.repeat(10_000)}`)).to.deep.equal([])
    })
  })
})
