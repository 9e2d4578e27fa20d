/** A text that is as long as a note by AI has to be. */
export const LINE = 'Somebody promises that they are never going to give you up.'
/** A text that is as long as a summary has to be. */
export const SUMMARY = 'Somebody promises a lot, again and again, and sings about it. '.repeat(5).trim()
/** Half a minute of plain English, to be said and to be heard. */
export const PLANTS =
  `Plants make their own food from light. Their leaves take in carbon dioxide from the air, and their roots take up water
  from the soil. Inside every green cell, sunlight splits the water. What is left over is the oxygen that animals breathe.
  The plant stores the energy as sugar, and at night it burns a part of that sugar to grow. Without plants there would be no
  animals, because all the food of the world begins in a green leaf.`.replace(/\s+/g, ' ')
