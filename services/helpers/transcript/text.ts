/** Tags used in captions; anything else in angle brackets is text. */
const TAGS = /<\/?(?:i|b|u|s|c|v|p|em|strong|font|span|lang|ruby|rt|br)(?:[.\s/][^<>]*)?>|<\d{2,}:\d{2}(?::\d{2})?[.,]\d{3}>/gi
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp|lrm|rlm));/gi
const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', lrm: '', rlm: '' }
/** Control characters, and characters that set the writing direction or a word break. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is taken out
const UNSEEN = /[\u0000-\u0008\u000e-\u001f\u007f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]/g
const LAST_CODE_POINT = 0x10ffff

const character = (codePoint: number) => (codePoint <= LAST_CODE_POINT ? String.fromCodePoint(codePoint) : '')

/** A plain line of captions: without tags and entities, with single blanks. Marks for music and sounds stay. */
export const plainLine = (line: string): string =>
  line
    .replace(TAGS, '')
    .replace(ENTITY, (_, decimal, hex, name) =>
      name ? NAMED[name.toLowerCase()]! : character(Number.parseInt(decimal ?? hex, decimal ? 10 : 16)),
    )
    .replace(UNSEEN, '')
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .trim()
