/** Twice what YouTube allows. Titles come from people, and the API takes them of any length: each question would be charged for it. */
const MOST_OF_A_TITLE = 200

/** The line of a prompt that names the video. */
export const titleLine = (title: string | undefined): string =>
  title === undefined ? '' : `<title>${asMaterial(title.slice(0, MOST_OF_A_TITLE).toWellFormed())}</title>\n`

/** Text that goes between tags of a prompt: it must not be able to close them. */
export const asMaterial = (text: string): string => text.replaceAll('<', '‹').replaceAll('>', '›')
