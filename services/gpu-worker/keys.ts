/** Where things lie in the store, as the worker contract has it. */
export const audioKey = (videoId: string) => `audio/${videoId}.mp3`
export const flashcardsKey = (videoId: string, language: string) => `flashcards/${videoId}/flashcards_${language}.json`
export const quizKey = (videoId: string, language: string) => `quizzes/${videoId}/quiz_${language}.json`

/** Copies of our own that live until the job is done, so that nothing is made twice by who takes it up. */
export const heardKey = (videoId: string) => `media/${videoId}/heard.json`
export const studyKey = (videoId: string) => `media/${videoId}/study.json`
