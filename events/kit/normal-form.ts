/** Combining marks beyond 30 on one letter are dropped: no language has as many (UAX 15, stream-safe text format). */
const PILE = /(\p{M}{30})\p{M}+/gu

/** Normalizes a text in linear time. Without the limit on marks, sorting a long run of them takes quadratic time. */
export const normalized = (text: string, form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): string =>
  text.replace(PILE, '$1').normalize(form)
