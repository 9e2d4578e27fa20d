import { expect } from 'chai'
import { ModelError } from '#platform/llm/model.ts'

/** The error that an answer fails with: one of ours, in which no key stands. */
export async function failureOf(answer: Promise<unknown>, key: string): Promise<ModelError> {
  const error = await answer.then(
    (said) => expect.fail(`it answered ${said}`),
    (error) => error,
  )
  expect(error, String(error?.stack)).to.be.instanceOf(ModelError)
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.to.include(key)
  return error
}
