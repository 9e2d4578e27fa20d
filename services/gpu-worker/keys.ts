/** Keys in the object store, as defined by the worker contract. */
export const audioKey = (videoId: string) => `audio/${videoId}.mp3`
export const flashcardsKey = (videoId: string, language: string) => `flashcards/${videoId}/flashcards_${language}.json`
export const quizKey = (videoId: string, language: string) => `quizzes/${videoId}/quiz_${language}.json`

/** The worker's own copies, kept until the job is done, so that the next worker to take it repeats nothing. */
export const heardKey = (videoId: string) => `media/${videoId}/heard.json`
export const studyKey = (videoId: string) => `media/${videoId}/study.json`
