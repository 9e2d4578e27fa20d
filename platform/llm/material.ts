/** In characters: twice YouTube's limit. The API accepts titles of any length from users, and every prompt would be charged for them. */
const MOST_OF_A_TITLE = 200

/** The line of a prompt with the video's title. */
export const titleLine = (title: string | undefined): string =>
  title === undefined ? '' : `<title>${asMaterial(title.slice(0, MOST_OF_A_TITLE).toWellFormed())}</title>\n`

/** Escapes text for use between tags of a prompt, so that it cannot close them. */
export const asMaterial = (text: string): string => text.replaceAll('<', '‹').replaceAll('>', '›')
