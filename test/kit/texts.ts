/** A text that is as long as a note by AI has to be. */
export const LINE = 'Somebody promises that they are never going to give you up.'
/** A text that is as long as a summary has to be. */
export const SUMMARY = 'Somebody promises a lot, again and again, and sings about it. '.repeat(5).trim()
