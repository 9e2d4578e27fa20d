// Folds texts so that different spellings of one text become equal. Folding works code point by code point (no rule depends on the end
// of a word), so that the folded form of a prefix is a prefix of the folded form.

import { normalized } from '#events/kit/normal-form.ts'

const ASCII = /^[\x20-\x7e]*$/
const BLANKS = /\p{White_Space}+/gu
/** Characters without a visible shape: joiners, soft hyphens, emoji selectors. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u
const MARK = /\p{M}/u
/** Scripts in which people omit marks: accents, and the vowel signs of Arabic and Hebrew. In other scripts marks are real vowels. */
const OPTIONAL =
  /[\p{Script=Inherited}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}]/u
/** Voicing marks, which distinguish が from か and パ from ハ. */
const VOICING = /[\u3099\u309a]/
const DOT_ABOVE = '\u0307'
const IOTA_BELOW = '\u0345'

/** True when normalization may reorder a mark among its neighbours: then it sorts before the iota below, the last of all marks. */
const canMove = (mark: string) => mark === IOTA_BELOW || (IOTA_BELOW + mark).normalize('NFD') !== IOTA_BELOW + mark

/** Lower case by way of the capital letter: `ß` becomes `ss`, `ς` becomes `σ`, and the dotless `ı` becomes `i`. */
const small = (char: string) => char.toLowerCase().toUpperCase().toLowerCase()

function fold(text: string, keeps: (char: string) => boolean): string {
  if (ASCII.test(text)) return text.toLowerCase().replace(/ +/g, ' ')
  let folded = ''
  for (const char of normalized(text, 'NFKD')) {
    // Upper case turns this mark into a letter, so it is kept as a letter.
    if (char === IOTA_BELOW) folded += 'ι'
    else if (keeps(char)) folded += small(char)
  }
  return folded.replace(BLANKS, ' ')
}

/** Removes case, compatibility forms, invisible characters and runs of blanks; keeps accents, except the dot of a Turkish `İ`. */
export const caseless = (text: string): string => fold(text, (char) => !INVISIBLE.test(char)).replaceAll(`i${DOT_ABOVE}`, 'i')

/** The form of a text for substring search: like `caseless`, and without the marks that people omit. */
export const searchable = (text: string): string =>
  fold(text, (char) => !INVISIBLE.test(char) && !(OPTIONAL.test(char) && !VOICING.test(char) && MARK.test(char) && canMove(char)))

/**
 * The substring of a searchable text that a query looks for.
 *
 * The marks of the query's last letter are removed: the text's letter may have further marks, which normalization puts before them.
 */
export function soughtIn(query: string): string {
  const chars = [...searchable(query)]
  while (chars.length > 0 && MARK.test(chars.at(-1)!) && canMove(chars.at(-1)!)) chars.pop()
  return chars.join('')
}
