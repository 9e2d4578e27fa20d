/** An error that a person can fix; shown in one line, without a stack. */
export class Trouble extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Trouble'
  }
}
