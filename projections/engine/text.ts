import { normalized } from '#events/kit/normal-form.ts'

export { searchable, soughtIn } from '#platform/text/fold.ts'

/** A text in the form that is sorted: regardless of case and normal form, and the same under every database collation. */
export const folded = (text: string) => normalized(text, 'NFC').toLowerCase()
