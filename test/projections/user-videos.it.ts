import { expect } from 'chai'
import { setupViews } from '#projections/engine/setup.ts'
import { views } from '#projections/index.ts'
import { type VideoSort, videosOf } from '#projections/user-videos.ts'
import { noteCreated, noteDeleted, videoAdded } from '#test/kit/histories.ts'
import { type Workshop, workshop } from './workshop.ts'

describe('the videos of a user', () => {
  const titles = ['beta', 'Alpha', null, '100% sure', '100 percent', 'ÜBER a_b', 'über aXb', 'back\\slash', 'beta']
  const ids = titles.map((_, i) => `video00000${i}`)
  let shop: Workshop

  before(async () => {
    shop = await workshop()
    await shop.record(
      ...titles.flatMap((title, i) => [
        videoAdded({ videoId: ids[i]!, id: i + 1, title }),
        noteCreated({ noteId: i + 1, videoId: ids[i]!, userId: 1 }),
        noteCreated({ noteId: 100 + i, videoId: ids[i]!, userId: 1 }),
      ]),
      videoAdded({ videoId: 'others00000', id: 50, title: 'beta of others' }),
      noteCreated({ noteId: 50, videoId: 'others00000', userId: 2 }),
      videoAdded({ videoId: 'deleted0000', id: 51, title: 'beta once' }),
      noteCreated({ noteId: 51, videoId: 'deleted0000', userId: 1 }),
      noteDeleted({ noteId: 51, videoId: 'deleted0000', userId: 1 }),
    )
    await setupViews(views, shop)
  })
  after(() => shop.close())

  const page = (but: Partial<Parameters<typeof videosOf>[1]>) =>
    videosOf(shop.db, { userId: 1, q: '', sort: 'created_at_asc', limit: 50, offset: 0, ...but })
  const found = async (but: Partial<Parameters<typeof videosOf>[1]>) =>
    (await page(but)).videos.map((video) => ids.indexOf(video.video_id))

  it('are those with a note, each once', async () => {
    expect(await found({})).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect((await page({ userId: 2 })).videos).to.deep.equal([
      { video_id: 'others00000', title: 'beta of others', metadata: null },
    ])
    expect(await page({ userId: 3 })).to.deep.equal({ total: 0, videos: [] })
  })

  it('are found by any part of the title, whatever its case, taken literally', async () => {
    expect(await found({ q: 'ET' })).to.deep.equal([0, 8])
    expect(await found({ q: '100%' })).to.deep.equal([3])
    expect(await found({ q: 'a_b' })).to.deep.equal([5])
    expect(await found({ q: 'k\\s' })).to.deep.equal([7])
    expect(await found({ q: 'Über' })).to.deep.equal([5, 6])
    expect(await page({ q: 'a\0' })).to.deep.equal({ total: 0, videos: [] })
  })

  const orders: [VideoSort, number[]][] = [
    ['created_at_desc', [8, 7, 6, 5, 4, 3, 2, 1, 0]],
    ['title_asc', [4, 3, 1, 7, 0, 8, 5, 6, 2]],
    ['title_desc', [2, 6, 5, 8, 0, 7, 1, 3, 4]],
  ]
  for (const [sort, expected] of orders)
    it(`are sorted by ${sort}, on pages that neither repeat nor miss one`, async () => {
      expect(await found({ sort })).to.deep.equal(expected)
      const pages = await Promise.all([0, 2, 4, 6, 8].map((offset) => found({ sort, limit: 2, offset })))
      expect(pages.flat()).to.deep.equal(expected)
    })

  it('are counted also where the page lies past the end', async () => {
    expect(await page({ limit: 10, offset: 1e30 })).to.deep.equal({ total: 9, videos: [] })
    expect((await page({ limit: 1 })).total).to.equal(9)
  })
})
